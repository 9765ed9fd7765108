/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/test_sema_turns.c -- the moments in which a wake-up could be lost [M2]
 *
 * Includes sema.c with parking, waking and attaching replaced: what another thread does between
 * two steps is done by `between`, at the place where an operation attaches.  A stress test meets
 * those moments seldom.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/thread.h"
#include "sched/proc.h"
#include "sched/waiter.h"

enum { N = 8 };
static struct mwi_g g[N];
static struct mwi_waiter waiter[N];
static int now;      /* whose turn it is to wait */
static int parked;   /* how often */
static int woken[N]; /* in this order */
static int nwoken;
static void (*between)(void);

static void attach(void) {
  void (*f)(void) = between;
  between = NULL;
  if (f) f();
}
static struct mwi_waiter *mine(struct mwi_g *unused) {
  (void)unused;
  waiter[now].g = &g[now];
  return &waiter[now];
}
static void park_unlock(struct mwi_lock *l, enum mwi_wait reason) {
  (void)reason;
  parked++;
  mwi_unlock(l);
}
static void ready(struct mwi_g *who) {
  woken[nwoken++] = (int)(who - g);
}

#define mwi_attach attach
#define mwi_waiter_mine mine
#define mwi_park_unlock park_unlock
#define mwi_ready ready
#include "sched/sema.c"

static int begin(void **state) {
  (void)state;
  now = parked = nwoken = 0;
  between = NULL;
  return 0;
}

static _Atomic uint32_t word;
static void release(void) {
  mwi_sema_release(&word, false);
}

/* The release comes after the first look at the word, and sees nobody wait. */
static void a_permit_between_two_looks(void **state) {
  (void)state;
  mwi_store_seqcst(&word, 0);
  between = release;
  mwi_sema_acquire(&word, false, MWI_WAIT_SEMA);
  assert_int_equal(parked, 0);
  assert_int_equal(mwi_load_seqcst(&word), 0);
  mwi_sema_release(&word, false); /* nobody is left in the table */
  assert_int_equal(nwoken, 0);
  assert_int_equal(mwi_load_seqcst(&word), 1);
}

static _Atomic uint32_t tickets, turn;
static void signal_one(void) {
  mwi_notify_one(&tickets, &turn);
}
static void wait_with(int who, uint32_t ticket) {
  now = who;
  mwi_notify_wait(&turn, ticket);
}

/* The ticket is drawn, and its turn comes before its holder has got to the queue. */
static void a_turn_that_has_come(void **state) {
  (void)state;
  mwi_store_seqcst(&tickets, 1);
  mwi_store_seqcst(&turn, 0);
  between = signal_one;
  wait_with(0, 0);
  assert_int_equal(parked, 0);
  mwi_store_seqcst(&tickets, 2); /* the next one waits, and is the next to be woken */
  wait_with(1, 1);
  assert_int_equal(parked, 1);
  signal_one();
  assert_int_equal(nwoken, 1);
  assert_int_equal(woken[0], 1);
}

/* Tickets are numbers on a circle: behind the largest comes 0. */
static void tickets_wrap(void **state) {
  (void)state;
  mwi_store_seqcst(&tickets, 0);
  mwi_store_seqcst(&turn, UINT32_MAX);
  between = signal_one;
  wait_with(0, UINT32_MAX);
  assert_int_equal(parked, 0);
  mwi_store_seqcst(&tickets, 1);
  wait_with(1, 0);
  assert_int_equal(parked, 1);
  signal_one();
  assert_int_equal(nwoken, 1);
}

/* The last in the queue is woken first, for it came late with an early ticket; who comes then
 * stands behind the one who is last now. */
static void the_last_leaves(void **state) {
  (void)state;
  mwi_store_seqcst(&tickets, 4);
  mwi_store_seqcst(&turn, 0);
  wait_with(1, 1);
  wait_with(2, 2);
  wait_with(0, 0);
  signal_one();
  wait_with(3, 3);
  for (int i = 0; i < 3; i++) signal_one();
  assert_int_equal(nwoken, 4);
  for (int i = 0; i < 4; i++) assert_int_equal(woken[i], i);
  mwi_store_seqcst(&tickets, 6); /* the queue is empty again, and works */
  wait_with(4, 4);
  wait_with(5, 5);
  mwi_notify_all(&tickets, &turn);
  assert_int_equal(nwoken, 6);
}

int main(void) {
  static struct mwi_m self; /* mwi_rand keeps its state there */
  mwi_test_thread_init();
  mwi_tcb()->m = &self;
  self.rand = 88172645;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_permit_between_two_looks, begin),
      cmocka_unit_test_setup(a_turn_that_has_come, begin),
      cmocka_unit_test_setup(tickets_wrap, begin),
      cmocka_unit_test_setup(the_last_leaves, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
