/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_stack.c -- stack slots: guards, sizes, reuse, lack of room [S1] [S2]
 *
 * Run once as the kernel is, and once with MADV_GUARD_INSTALL failing (the
 * argument `mprotect`), which older kernels do.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "os/inject.h"
#include "os/thread.h"
#include "sched/proc.h"
#include "sched/stack.h"

static sigjmp_buf fault;
static void on_fault(int sig) {
  (void)sig;
  siglongjmp(fault, 1);
}

static bool faults(uintptr_t addr) {
  struct sigaction sa = {.sa_handler = on_fault}, segv, bus;
  sigaction(SIGSEGV, &sa, &segv);
  sigaction(SIGBUS, &sa, &bus);
  volatile bool faulted = true;
  if (sigsetjmp(fault, 1) == 0) {
    *(volatile char *)addr = 1;
    faulted = false;
  }
  sigaction(SIGSEGV, &segv, NULL);
  sigaction(SIGBUS, &bus, NULL);
  return faulted;
}

static void check(const struct mwi_stack *s, size_t bytes) {
  assert_int_equal(s->hi - s->lo, bytes);
  assert_int_equal(s->hi % 16, 0);
  assert_false(faults(s->hi - 8));
  assert_false(faults(s->lo));
  assert_true(faults(s->lo - 1));
  assert_true(faults(s->lo - MWI_STACK_GUARD));
  size_t limit = 0;
  assert_true(mwi_stack_guard_hit(s->lo - 1, &limit));
  assert_int_equal(limit, bytes);
  assert_false(mwi_stack_guard_hit(s->lo, &limit));
}

static void guards(void **state) {
  (void)state;
  enum { N = 40 }; /* more than a mapping holds */
  struct mwi_stack s[N];
  for (int i = 0; i < N; i++) {
    assert_true(mwi_stack_take(&s[i], 0));
    check(&s[i], MWI_STACK_LARGE);
    for (int k = 0; k < i; k++) assert_true(s[i].hi <= s[k].lo || s[k].hi <= s[i].lo);
  }
  assert_int_equal(mwi_stack_inuse_slots(), N);
  for (int i = 0; i < N; i++) mwi_stack_put(&s[i]);
  assert_int_equal(mwi_stack_inuse_slots(), 0);
  size_t limit, sys = mwi_stack_sys_bytes();
  int on_this_stack;
  assert_false(mwi_stack_guard_hit((uintptr_t)&on_this_stack, &limit));
  for (int round = 0; round < 5; round++) { /* the same slots again */
    for (int i = 0; i < N; i++) assert_true(mwi_stack_take(&s[i], 0));
    check(&s[round], MWI_STACK_LARGE);
    for (int i = 0; i < N; i++) mwi_stack_put(&s[i]);
  }
  assert_int_equal(mwi_stack_sys_bytes(), sys);
}

/* Small ones are not handed out once goroutines are few again. */
static void few_again(void **state) {
  (void)state;
  static struct mwi_stack s[MWI_STACK_NLARGE + 100];
  enum { N = sizeof s / sizeof *s };
  size_t before = mwi_stack_inuse_slots();
  goroutines(N);
  for (int i = 0; i < N; i++) assert_true(mwi_stack_take(&s[i], 0));
  assert_int_equal(s[N - 1].hi - s[N - 1].lo, MWI_STACK_SMALL - MWI_STACK_GUARD);
  assert_true(mwi_stack_fits(&s[N - 1]));
  for (int i = 100; i < N; i++) mwi_stack_put(&s[i]);
  goroutines(10);
  mwi_stack_put(&s[99]);
  struct mwi_stack again;
  assert_false(mwi_stack_fits(&s[N - 1]));
  assert_true(mwi_stack_take(&again, 0));
  assert_int_equal(again.hi - again.lo, MWI_STACK_LARGE);
  assert_true(mwi_stack_fits(&again));
  mwi_stack_put(&again);
  for (int i = 0; i < 99; i++) mwi_stack_put(&s[i]);
  assert_int_equal(mwi_stack_inuse_slots(), before);
}

static void own_size(void **state) {
  (void)state;
  size_t sys = mwi_stack_sys_bytes();
  for (int i = 0; i < 20; i++) {
    struct mwi_stack s;
    size_t bytes = (300 * MWI_KB << i % 10) + 4096 * (size_t)i;
    assert_true(mwi_stack_take(&s, bytes));
    check(&s, bytes);
    mwi_stack_put(&s);
    assert_true(faults(s.hi - 8)); /* given back */
  }
  assert_int_equal(mwi_stack_sys_bytes(), sys);
}

static void many_are_small(void **state) {
  (void)state;
  enum { N = MWI_STACK_NLARGE + 600 };
  static struct mwi_stack s[N];
  size_t small = 0;
  for (int i = 0; i < N; i++) {
    assert_true(mwi_stack_take(&s[i], 0));
    small += s[i].hi - s[i].lo == MWI_STACK_SMALL;
  }
  assert_int_equal(small, 600);
  check(&s[N - 1], MWI_STACK_SMALL);
  check(&s[N - 300], MWI_STACK_SMALL);
  for (int i = 0; i < N; i++) mwi_stack_put(&s[i]);
}

static void no_address_space(void **state) {
  (void)state;
  size_t live = mwi_stack_inuse_slots();
  static struct mwi_stack s[100000];
  struct rlimit old, tight = {mwi_stack_sys_bytes() / 1 + 600 * MWI_MB, RLIM_INFINITY};
  getrlimit(RLIMIT_AS, &old);
  tight.rlim_max = old.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
  int n = 0;
  while (n < 100000 && mwi_stack_take(&s[n], 0)) n++;
  struct mwi_stack big;
  assert_false(mwi_stack_take(&big, MWI_GB));
  setrlimit(RLIMIT_AS, &old);
  assert_true(n > 2000 && n < 100000); /* smaller mappings were tried before giving up */
  assert_int_equal(mwi_stack_inuse_slots(), live + (size_t)n);
  for (int i = 0; i < n; i++) mwi_stack_put(&s[i]);
  assert_int_equal(mwi_stack_inuse_slots(), live);
}

int main(int argc, char **argv) {
  mwi_test_thread_init();
  mwi_rt_enter();
  if (argc > 1 && strcmp(argv[1], "mprotect") == 0) mwi_inject_states[MWI_INJECT_MADVISE].from = 1;
  mwi_fold_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(guards),           cmocka_unit_test(few_again),
      cmocka_unit_test(own_size),         cmocka_unit_test(many_are_small),
      cmocka_unit_test(no_address_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
