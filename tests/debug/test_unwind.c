/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/test_unwind.c -- a walk reaches its root from any instruction
 *
 * The hardest case is a signal that interrupts a library without frame
 * pointers, in the middle of a prologue.  So: the processor's trap flag stops
 * this program after every single instruction of some libc calls (in lfind's
 * callback, in a procedure linkage table stub), and from each the walk must find
 * `root`.  [U1] and [U2] are tried on stacks filled with noise.  A thread of the program's knows
 * its stack without reading the process's mappings, of which there may be no end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "debug/traceback.h"
#include "debug/unwind.h"
#include "sched/sched.h"

static uintptr_t stack_lo, stack_hi;

static void find_stack(void) {
  pthread_attr_t attr;
  void *addr;
  size_t size;
  pthread_getattr_np(pthread_self(), &attr);
  pthread_attr_getstack(&attr, &addr, &size);
  pthread_attr_destroy(&attr);
  stack_lo = (uintptr_t)addr;
  stack_hi = stack_lo + size;
}

/* The return address of the call that everything below is made from. */
static uintptr_t root_pc;

/* Frames from the walk's first to the one that returns to root_pc, -1: not found. */
static int frames_to_root(struct mwi_unwind *u) {
  int n = 0;
  do {
    if (!u->exact && u->ctx.reg[MWI_CTX_PC] == root_pc) return n;
    n++;
  } while (n < 1000 && mwi_unwind_step(u));
  return -1;
}

/* ---- Calls ---------------------------------------------------------------- */

static int walked;

static __attribute__((noinline)) void walk_here(void) {
  struct mwi_context c;
  struct mwi_unwind u;
  mwi_context_here(&c);
  mwi_unwind_init(&u, &c, false);
  mwi_unwind_allow(&u, stack_lo, stack_hi);
  walked = frames_to_root(&u);
}

static int compare_walking(const void *a, const void *b) {
  walk_here();
  return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void call_from_root(void (*fn)(void)) {
  root_pc = (uintptr_t)__builtin_return_address(0);
  fn();
  __asm__ volatile("");
}

static void search_walking(void) {
  int v[] = {3, 1, 2};
  size_t n = 3;
  lfind(&v[2], v, &n, sizeof *v, compare_walking);
}

static void plain_walk_finds_its_caller(void **state) {
  (void)state;
  walked = -2;
  call_from_root(walk_here);
  assert_in_range(walked, 1, 3); /* fewer frames when calls become jumps */
}

static void walk_goes_through_a_library(void **state) {
  (void)state;
  walked = -2;
  call_from_root(search_walking);
  assert_in_range(walked, 3, 20);
}

/* ---- Signals, one after each instruction ------------------------------------ */

#define TRAP_FLAG 0x100

static volatile bool stepping;
static unsigned long steps, lost;
static uintptr_t first_lost;
static uintptr_t alt_lo, alt_hi;

static void on_trap(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  ucontext_t *c = uc;
  if (!stepping) {
    c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    return;
  }
  steps++;
  struct mwi_context ctx;
  struct mwi_unwind u;
  mwi_context_from_signal(&ctx, uc);
  mwi_unwind_init(&u, &ctx, true);
  mwi_unwind_allow(&u, stack_lo, stack_hi);
  if (frames_to_root(&u) < 0 && !lost++) first_lost = ctx.reg[MWI_CTX_PC];

  /* and once in a while from the handler itself, through the signal's frame */
  if (steps % 64 == 0) {
    mwi_context_here(&ctx);
    mwi_unwind_init(&u, &ctx, false);
    mwi_unwind_allow(&u, stack_lo, stack_hi);
    mwi_unwind_allow(&u, alt_lo, alt_hi);
    if (frames_to_root(&u) < 0 && !lost++) first_lost = 1;
  }
}

static int compare_ints(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

static void library_calls(void) {
  char text[64];
  int v[] = {9, 3, 7, 1, 8, 2, 5, 6, 4};
  size_t n = 9;
  lfind(&v[8], v, &n, sizeof *v, compare_ints);
  void *tree = NULL;
  for (int i = 0; i < 9; i++) tsearch(&v[i], &tree, compare_ints);
  for (int i = 0; i < 9; i++) tdelete(&v[i], &tree, compare_ints);
  snprintf(text, sizeof text, "%d %s %.3f", v[0], "words", 2.5);
  free(strdup(text));
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts); /* the kernel's vdso */
}

static __attribute__((noinline)) void step_through(void) {
  __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
  library_calls();
  stepping = false;
  __asm__ volatile("nop");
}

static void every_instruction_leads_to_the_root(void **state) {
  (void)state;
  static char alt[65536];
  alt_lo = (uintptr_t)alt;
  alt_hi = alt_lo + sizeof alt;
  stack_t ss = {.ss_sp = alt, .ss_size = sizeof alt}, off = {.ss_flags = SS_DISABLE};
  struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK}, old;
  assert_int_equal(sigaltstack(&ss, NULL), 0);
  assert_int_equal(sigaction(SIGTRAP, &sa, &old), 0);
  library_calls(); /* binds the symbols, so that not the linker is measured */
  stepping = true;
  call_from_root(step_through);
  sigaction(SIGTRAP, &old, NULL);
  sigaltstack(&off, NULL);
  if (lost) fail_msg("%lu of %lu walks lost, the first at %#lx", lost, steps, first_lost);
  assert_true(steps > 2000);
}

/* ---- Noise -------------------------------------------------------------------- */

static uint64_t random_next(uint64_t *s) {
  *s ^= *s << 13, *s ^= *s >> 7, *s ^= *s << 17;
  return *s;
}

/* Stacks of random words, some of which point to code or into the stack: the walk
 * must stop by itself and must not touch the pages around (they have no access). */
static void noise_ends_the_walk(void **state) {
  (void)state;
  size_t page = 4096, words = page / sizeof(uintptr_t);
  char *map = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(map, MAP_FAILED);
  assert_int_equal(mprotect(map + page, page, PROT_READ | PROT_WRITE), 0);
  uintptr_t *w = (uintptr_t *)(void *)(map + page), lo = (uintptr_t)w, hi = lo + page;
  uintptr_t code[] = {(uintptr_t)lfind, (uintptr_t)snprintf, (uintptr_t)library_calls,
                      (uintptr_t)mwi_context_here, root_pc};
  uint64_t seed = 88172645463325252u;
  const char *env = getenv("MW_TEST_SEED");
  if (env) seed = strtoull(env, NULL, 0) | 1;
  for (int round = 0; round < 20000; round++) {
    for (size_t i = 0; i < words; i++) {
      uint64_t r = random_next(&seed);
      w[i] = r % 4 == 0   ? lo + (r >> 8) % page
             : r % 4 == 1 ? code[(r >> 8) % 5] + (r >> 32) % 400
                          : r;
    }
    struct mwi_context c = {.known = (1u << MWI_CTX_NREGS) - 1};
    for (int i = 0; i < MWI_CTX_NREGS; i++) c.reg[i] = lo + random_next(&seed) % page;
    c.reg[MWI_CTX_SP] &= ~(uintptr_t)7;
    c.reg[MWI_CTX_PC] = code[random_next(&seed) % 5] + random_next(&seed) % 300;
    struct mwi_unwind u;
    mwi_unwind_init(&u, &c, random_next(&seed) & 1);
    mwi_unwind_allow(&u, lo, hi);
    size_t n = 0;
    while (mwi_unwind_step(&u)) n++;
    assert_true(n <= words * 2);
  }
  munmap(map, 3 * page);
}

static void no_stack_no_step(void **state) {
  (void)state;
  struct mwi_context c;
  struct mwi_unwind u;
  mwi_context_here(&c);
  mwi_unwind_init(&u, &c, false);
  assert_false(mwi_unwind_step(&u));
  assert_int_equal(u.ctx.reg[MWI_CTX_PC], c.reg[MWI_CTX_PC]);
}

/* With no descriptor left /proc/self/maps cannot be read. */
static void *walks_without_descriptors(void *steps) {
  mwi_attach();
  struct rlimit old, none;
  getrlimit(RLIMIT_NOFILE, &old);
  none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  struct mwi_context c;
  struct mwi_unwind u;
  mwi_context_here(&c);
  mwi_unwind_init(&u, &c, false);
  mwi_unwind_allow_current(&u);
  while (mwi_unwind_step(&u)) ++*(int *)steps;
  setrlimit(RLIMIT_NOFILE, &old);
  return NULL;
}

static void a_thread_knows_its_stack(void **state) {
  (void)state;
  int steps = 0;
  pthread_t t;
  assert_int_equal(pthread_create(&t, NULL, walks_without_descriptors, &steps), 0);
  pthread_join(t, NULL);
  assert_true(steps > 0);
}

int main(void) {
  find_stack();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_walk_finds_its_caller),
      cmocka_unit_test(walk_goes_through_a_library),
      cmocka_unit_test(every_instruction_leads_to_the_root),
      cmocka_unit_test(noise_ends_the_walk),
      cmocka_unit_test(no_stack_no_step),
      cmocka_unit_test(a_thread_knows_its_stack),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
