/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/registers.c -- the only pointer is in a register, or nobody has run yet
 *
 * External code (registers_plain.c) takes a pointer out of memory into a register and
 * waits there while others collect: a general and a vector register, and a general one
 * that it rounds down as libc's string functions do, in turn; or it takes the pointer while
 * marking is on, from an object that is still white; or it puts such a one into an object that it
 * has in registers that calls preserve, and calls back.  Compiled code has one in each register
 * that calls preserve, and waits in the runtime, with and without its thread.  Then goroutines
 * whose argument is the only pointer, and the youngest of all, whose stack is.
 *
 * Each of these passes by luck when a copy of the pointer is left in some dead word of the stack.
 * So the stack is wiped, in a way that no compiler takes away, and what holds the pointer is
 * assembly.
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/abi.h"
#include "registers_plain.h"

/* Without a pointer to itself, or to be found through what external code's words point to. */
typedef struct object {
  struct object *none;
  unsigned long check;
} object;

static __attribute__((noinline)) object *make(unsigned long check) {
  object *o = mw_new(object);
  o->check = check;
  return o;
}
/* What is made later in the place of a lost object is another one: never 815. */
static void alive(const char *who, const object *o) {
  if (o->none == NULL && o->check == 815) return;
  printf("FAIL: %s lost its object\n", who);
  exit(1);
}
static __attribute__((noinline)) void wipe(void) {
  volatile unsigned long old[1024];
  for (int i = 0; i < 1024; i++) old[i] = 0;
}
static void collect(void) {
  for (int k = 0; k < 3; k++) {
    mw_gc();
    for (int n = 0; n < 1000; n++) make(1);
  }
}

static mw_waitgroup done;
static int mode; /* which register */

static __attribute__((noinline)) void fill(object **slot, int n) {
  for (int i = 0; i < n; i++) slot[i] = make(815);
}
static void in_external_code(void *arg) {
  (void)arg;
  object **slot = mw_make(object *, 1);
  do fill(slot, 1);
  while ((uintptr_t)*slot % 256 < 128); /* in mode 2, far from what is left of the pointer */
  wipe();
  plain_hold((void **)slot, mode);
  static const char *const where[] = {"a register", "a vector register", "a rounded register"};
  alive(where[mode], *slot);
  mw_waitgroup_done(&done);
}

static void held_in_external_code(void) {
  for (mode = 0; mode < 3; mode++)
    for (int i = 0; i < 5; i++) {
      plain_holds = plain_release = 0;
      mw_waitgroup_add(&done, 1);
      mw_go(in_external_code, NULL);
      while (!plain_holds) mw_yield();
      collect();
      plain_release = 1;
      mw_waitgroup_wait(&done);
    }
}

/* ---- Registers that calls preserve ------------------------------------------ */

/* void hold_saved(object **slots, void (*wait)(void)): five pointers out of memory into registers
 * around a call.  Compiled code as far as the runtime can tell. */
__asm__(".pushsection mw_text, \"ax\", @progbits\n\t"
        ".type hold_saved, @function\n"
        "hold_saved:\n\t"
        "pushq %rbp\n\t"
        "movq %rsp, %rbp\n\t"
        "pushq %rbx\n\t"
        "pushq %r12\n\t"
        "pushq %r13\n\t"
        "pushq %r14\n\t"
        "pushq %r15\n\t"
        "pushq %rdi\n\t"
        "movq (%rdi), %rbx\n\t"
        "movq 8(%rdi), %r12\n\t"
        "movq 16(%rdi), %r13\n\t"
        "movq 24(%rdi), %r14\n\t"
        "movq 32(%rdi), %r15\n\t"
        "xorl %eax, %eax\n\t"
        "movq %rax, (%rdi)\n\t"
        "movq %rax, 8(%rdi)\n\t"
        "movq %rax, 16(%rdi)\n\t"
        "movq %rax, 24(%rdi)\n\t"
        "movq %rax, 32(%rdi)\n\t"
        "callq *%rsi\n\t"
        "popq %rdi\n\t"
        "movq %rbx, (%rdi)\n\t"
        "movq %r12, 8(%rdi)\n\t"
        "movq %r13, 16(%rdi)\n\t"
        "movq %r14, 24(%rdi)\n\t"
        "movq %r15, 32(%rdi)\n\t"
        "popq %r15\n\t"
        "popq %r14\n\t"
        "popq %r13\n\t"
        "popq %r12\n\t"
        "popq %rbx\n\t"
        "popq %rbp\n\t"
        "retq\n\t"
        ".size hold_saved, .-hold_saved\n\t"
        ".popsection");
void hold_saved(object **slots, void (*wait)(void));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile bool let_go;
static volatile int tid; /* of the thread that waits; 0: not there yet */
static volatile int turns;

static void wait_with_thread(void) { /* for a lock: in a system call */
  tid = (int)syscall(SYS_gettid);
  pthread_mutex_lock(&lock);
  pthread_mutex_unlock(&lock);
}
static void wait_at_rest(void) {
  while (!let_go) {
    turns++;
    mw_yield();
  }
}

/* Until thread `tid` sleeps in the kernel. */
static void await_sleep(void) {
  char path[64], state;
  do {
    mw_yield();
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *f = tid ? fopen(path, "r") : NULL;
    if (!f) continue;
    if (fscanf(f, "%*d %*s %c", &state) != 1) state = 'R';
    fclose(f);
    if (state == 'S') return;
  } while (true);
}
static void (*const wait_for[])(void) = {wait_with_thread, wait_at_rest};

static void in_saved_registers(void *arg) {
  (void)arg;
  object **slots = mw_make(object *, 5);
  fill(slots, 5);
  wipe();
  hold_saved(slots, wait_for[mode]);
  for (int i = 0; i < 5; i++) alive(mode ? "a goroutine at rest" : "a thread that waits", slots[i]);
  mw_waitgroup_done(&done);
}

static void held_in_saved_registers(void) {
  for (mode = 0; mode < 2; mode++)
    for (int i = 0; i < 5; i++) {
      pthread_mutex_lock(&lock);
      let_go = false;
      tid = turns = 0;
      mw_waitgroup_add(&done, 1);
      mw_go(in_saved_registers, NULL);
      if (mode)
        while (turns == 0) mw_yield();
      else
        await_sleep();
      collect();
      let_go = true;
      pthread_mutex_unlock(&lock);
      mw_waitgroup_wait(&done);
    }
}

/* ---- Taken while marking is on ----------------------------------------------- */

/* One after the other is how a list is marked: its end is white for a while. */
typedef struct node {
  struct node *next;
  object *o;
} node;

static bool marking(void) {
  bool on;
  __asm__ volatile("movb %%gs:%c1, %0" : "=q"(on) : "i"(MWI_TCB_WB));
  return on;
}

static node *list;
static __attribute__((noinline)) void make_list(void) {
  list = NULL;
  node *last = mw_new(node);
  plain_from = ~(unsigned long)(uintptr_t)&last->o;
  last->o = make(815);
  for (int i = 0; i < 300000; i++) {
    node *n = mw_new(node);
    n->next = list ? list : last;
    list = n;
  }
}

static void takes_while_marking(void *arg) {
  (void)arg;
  object **slot = mw_make(object *, 1);
  wipe();
  plain_take((void **)slot);
  alive("external code, which took it while marking was on,", *slot);
  mw_waitgroup_done(&done);
}
static volatile bool collected;
static void collects(void *arg) {
  (void)arg;
  mw_gc();
  collected = true;
  mw_waitgroup_done(&done);
}

static void taken_while_marking(void) {
  mw_set_gc_percent(-1);
  for (int i = 0; i < 5; i++) {
    plain_holds = plain_release = plain_go = 0;
    collected = false;
    make_list();
    wipe();
    mw_waitgroup_add(&done, 2);
    mw_go(takes_while_marking, NULL);
    while (!plain_holds) mw_yield();
    mw_go(collects, NULL);
    while (!marking() && !collected) mw_yield();
    plain_go = 1;
    while (plain_holds < 2 || !collected) mw_yield();
    plain_release = 1;
    mw_waitgroup_wait(&done);
  }
  mw_set_gc_percent(100);
}

/* ---- Put while marking is on, where only registers know ---------------------- */

/* External code takes pointers from what is white, at the end of a long list, and puts them into
 * objects that are black and that it has in registers only; then it calls back, to wait with its
 * thread until marking has ended. */
static void inserts_while_marking(void *arg) {
  (void)arg;
  object **slot = mw_make(object *, 5);
  fill(slot, 5);
  wipe();
  plain_insert((void **)slot, wait_with_thread);
  for (int i = 0; i < 5; i++)
    alive("an object that external code had in a register", slot[i]->none);
  mw_waitgroup_done(&done);
}

static __attribute__((noinline)) void hide(void) {
  object **far = mw_make(object *, 5);
  fill(far, 5);
  node *last = (node *)(uintptr_t)(~plain_from - offsetof(node, o));
  last->o = (object *)far;
}

static void inserted_while_marking(void) {
  mw_set_gc_percent(-1);
  for (int i = 0; i < 10; i++) {
    plain_holds = plain_go = 0;
    collected = false;
    make_list();
    hide();
    wipe();
    pthread_mutex_lock(&lock);
    mw_waitgroup_add(&done, 2);
    mw_go(inserts_while_marking, NULL);
    while (!plain_holds) mw_yield();
    mw_go(collects, NULL);
    while (!marking() && !collected) mw_yield();
    for (volatile int k = 0; k < 10000; k++) continue; /* its objects are black by then */
    plain_go = 1;
    while (plain_holds < 2 || !collected) mw_yield();
    for (int n = 0; n < 1000; n++) make(1);
    pthread_mutex_unlock(&lock);
    mw_waitgroup_wait(&done);
  }
  mw_set_gc_percent(100);
}

/* ---- Not yet run --------------------------------------------------------------- */

static void with_argument(void *arg) {
  alive("a goroutine's argument", arg);
  mw_waitgroup_done(&done);
}

static mw_chan *go_on;
static void youngest(void *arg) {
  (void)arg;
  object *mine = make(815);
  int x;
  mw_chan_recv(go_on, &x);
  alive("the youngest goroutine", mine);
  mw_waitgroup_done(&done);
}

int main(void) {
  mw_set_max_procs(2);
  held_in_external_code();
  held_in_saved_registers();
  mw_set_max_procs(3);
  taken_while_marking();
  inserted_while_marking();
  mw_set_max_procs(1);
  for (int i = 0; i < 5; i++) {
    mw_waitgroup_add(&done, 300);
    for (int k = 0; k < 300; k++) mw_go(with_argument, make(815));
    wipe();
    mw_gc();
    mw_waitgroup_wait(&done);
  }
  go_on = mw_chan_make(int, 0);
  for (int i = 0; i < 400; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go(youngest, NULL);
  }
  for (int k = 0; k < 3; k++) {
    mw_sleep(1000000);
    mw_gc();
    for (int n = 0; n < 1000; n++) make(1);
  }
  int x = 1;
  for (int i = 0; i < 400; i++) mw_chan_send(go_on, x);
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
