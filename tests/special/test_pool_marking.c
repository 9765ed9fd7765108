/* SPDX-License-Identifier: MIT */
/*
 * tests/special/test_pool_marking.c -- pools beside marking, step by step [Q2]
 *
 * What enters and leaves a pool while marking is on is kept, whoever has been scanned: with a
 * collector of one thread (cycle_test.h), whose "stacks" are this file's variables, which it
 * never scans, as those of goroutines that have been scanned before.
 */
#include "gc/cycle_test.h"

#include "sched/proc.h"

static struct mwi_p processor;
static mw_pool pool;
enum { FIRST = 8 }; /* slots of the first ring */

static void put(void *p) {
  int32_t rt = mwi_tcb()->rt;
  mwi_tcb()->rt = 0;
  mw_pool_put(&pool, p);
  mwi_tcb()->rt = rt;
}
static void *get(void) {
  int32_t rt = mwi_tcb()->rt;
  mwi_tcb()->rt = 0;
  void *p = mw_pool_get(&pool);
  mwi_tcb()->rt = rt;
  return p;
}

/* A pool with a private object and n in its ring, reached from the root alone. */
static void *in_pool[1 + FIRST];
static int fill(void **state) {
  reset(state);
  pool = (mw_pool){0};
  for (int i = 0; i <= FIRST; i++) put(in_pool[i] = object());
  root[0] = pool.local;
  return 0;
}
static int drain(void **state) {
  (void)state;
  while (get()) continue;
  heap_sweep_all();
  return 0;
}

/* Everything that is reachable now is black afterwards, and marking goes on. */
static void mark_all(void) {
  mwi_store_seqcst(&mwi_gc.nactive, 1);
  for (int i = 0; i < 5; i++) mwi_gc_run_idle(0);
  mwi_store_seqcst(&mwi_gc.nactive, 0);
  assert_true(mwi_gc_wb_state());
}

static void what_is_put_into_a_scanned_ring(void **state) {
  (void)state;
  void *some[3] = {get(), get(), get()}; /* white soon, and known to nobody else */
  start();
  mark_all();
  for (int i = 0; i < 3; i++) put(some[i]);
  finish();
  for (int i = 0; i < 3; i++) assert_true(lives(some[i]));
  for (int i = 0; i <= FIRST; i++) assert_true(lives(in_pool[i]));
}

static void what_is_got_before_the_scan(void **state) {
  (void)state;
  start();
  void *got[1 + FIRST];
  for (int i = 0; i <= FIRST; i++) assert_non_null(got[i] = get());
  assert_null(get());
  finish();
  for (int i = 0; i <= FIRST; i++) assert_true(lives(got[i]));
}

/* The new ring, which is black and never scanned, is the only one to know the old. */
static void what_is_in_the_older_ring(void **state) {
  (void)state;
  start();
  void *last = object();
  put(last); /* the ring is full */
  finish();
  assert_true(lives(last));
  for (int i = 0; i <= FIRST; i++) assert_true(lives(in_pool[i]));
  for (int i = 0; i <= FIRST + 1; i++) assert_non_null(get());
}

int main(void) {
  cycle_start();
  mwi_tcb()->p = &processor;
  mwi_sched.nprocs = 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_put_into_a_scanned_ring, fill, drain),
      cmocka_unit_test_setup_teardown(what_is_got_before_the_scan, fill, drain),
      cmocka_unit_test_setup_teardown(what_is_in_the_older_ring, fill, drain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
