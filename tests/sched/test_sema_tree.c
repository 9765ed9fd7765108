/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/test_sema_tree.c -- the treap of addresses against plain lists
 *
 * Includes sema.c, to reach one bucket's tree: thousands of addresses, random
 * arrivals (FIFO and LIFO) and departures; each address's waiters leave in the
 * order that a model keeps, and the tree stays ordered and shallow.
 * MW_TEST_SEED=n repeats a run.
 */
#include "sched/sema.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/thread.h"

/* ---- The model --------------------------------------------------------- */

enum { ADDRESSES = 3000, WAITERS = 12000 };

static uint32_t word[ADDRESSES];
static struct mwi_waiter waiters[WAITERS];
static int spare[WAITERS], nspare;
static int line[ADDRESSES][64], length[ADDRESSES];
static struct bucket b;

static size_t check_tree(const struct mwi_waiter *w, uintptr_t above, uintptr_t below) {
  if (w == NULL) return 0;
  uintptr_t a = (uintptr_t)w->sema.addr;
  assert_true(a > above && a < below);
  const struct mwi_waiter *kids[] = {w->sema.left, w->sema.right};
  for (int i = 0; i < 2; i++) {
    if (kids[i] == NULL) continue;
    assert_ptr_equal(kids[i]->sema.up, w);
    assert_true(kids[i]->sema.priority >= w->sema.priority);
  }
  size_t l = check_tree(w->sema.left, above, a), r = check_tree(w->sema.right, a, below);
  return 1 + (l > r ? l : r);
}

static void arrive(int i, bool lifo) {
  if (nspare == 0 || length[i] == 64) return;
  int k = spare[--nspare];
  enqueue(&b, &word[i], &waiters[k], lifo);
  if (lifo) memmove(&line[i][1], &line[i][0], (size_t)length[i] * sizeof line[i][0]);
  line[i][lifo ? 0 : length[i]] = k;
  length[i]++;
}

static void depart(int i) {
  struct mwi_waiter *up, **link, *w = find(&b, &word[i], &up, &link);
  if (length[i] == 0) {
    assert_null(w);
    return;
  }
  assert_ptr_equal(w, &waiters[line[i][0]]);
  dequeue_head(&b, w);
  spare[nspare++] = line[i][0];
  length[i]--;
  memmove(&line[i][0], &line[i][1], (size_t)length[i] * sizeof line[i][0]);
}

static void random_arrivals_and_departures(void **state) {
  (void)state;
  for (int i = 0; i < WAITERS; i++) spare[nspare++] = i;
  for (int step = 0; step < 400000; step++) {
    int i = (int)(mwi_rand() % ADDRESSES);
    uint32_t what = mwi_rand() % 100;
    bool fill = step / 100000 % 2 == 0; /* grow, shrink, grow, shrink */
    if (what < (fill ? 60u : 35u))
      arrive(i, what % 8 == 0);
    else
      depart(i);
    if (step % 10000 == 0) assert_true(check_tree(b.root, 0, UINTPTR_MAX) < 64);
  }
  for (int i = 0; i < ADDRESSES; i++)
    while (length[i] > 0) depart(i);
  assert_null(b.root);
}

/* Addresses in order, as an array of mutexes has them, do not make a list. */
static void stays_shallow(void **state) {
  (void)state;
  for (int i = 0; i < ADDRESSES; i++) arrive(i, false);
  assert_true(check_tree(b.root, 0, UINTPTR_MAX) < 48);
  for (int i = 0; i < ADDRESSES; i++) depart(i);
  assert_null(b.root);
}

int main(void) {
  static struct mwi_m self; /* mwi_rand keeps its state there */
  mwi_test_thread_init();
  mwi_tcb()->m = &self;
  const char *s = getenv("MW_TEST_SEED");
  self.rand = s != NULL ? (uint32_t)strtoul(s, NULL, 10) | 1 : 88172645;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_arrivals_and_departures),
      cmocka_unit_test(stays_shallow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
