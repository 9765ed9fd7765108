/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_work.c -- every item is in one place at a time [W1]
 *
 * Rings and the global list against a count of each item; then several
 * threads, each with a ring, that make, publish and take (ThreadSanitizer).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gc/gc.h"
#include "gc/mark.h"
#include "os/thread.h"

static _Atomic uint32_t idle;
static uint32_t idle_procs(void) {
  return mwi_load_relaxed(&idle);
}

static void drain_all(struct mwi_gcp *w) {
  while (mwi_work_get(w)) continue;
}

static void first_in_first_out(void **state) {
  (void)state;
  static struct mwi_gcp w;
  for (uintptr_t i = 1; i <= MWI_WORK_RING; i++) mwi_work_put(&w, i * 8);
  for (uintptr_t i = 1; i <= MWI_WORK_RING; i++) assert_int_equal(mwi_work_get(&w), i * 8);
  assert_int_equal(mwi_work_get(&w), 0);
  assert_false(mwi_work_any());
}

static void overflow_keeps_all(void **state) {
  (void)state;
  static struct mwi_gcp w, other;
  enum { N = 10000 };
  static uint8_t seen[N + 1];
  for (uintptr_t i = 1; i <= N; i++) mwi_work_put(&w, i * 8);
  assert_true(mwi_work_any());
  /* taken by two in turn, as thieves do */
  for (int got = 0; got < N;) {
    uintptr_t item = mwi_work_get(got & 1 ? &w : &other);
    if (!item) item = mwi_work_get(got & 1 ? &other : &w);
    assert_true(item != 0);
    assert_int_equal(seen[item / 8]++, 0);
    got++;
  }
  assert_false(mwi_work_any());
}

static void publish_empties_the_ring(void **state) {
  (void)state;
  static struct mwi_gcp w, other;
  for (uintptr_t i = 1; i <= 100; i++) mwi_work_put(&w, i * 8);
  mwi_work_publish(&w);
  assert_int_equal(w.head, w.tail);
  for (uintptr_t i = 1; i <= 100; i++) assert_int_equal(mwi_work_get(&other), i * 8);
  mwi_work_publish(&w); /* of nothing: no empty buffer on the list */
  assert_false(mwi_work_any());
}

static void shares_while_others_idle(void **state) {
  (void)state;
  static struct mwi_gcp w;
  mwi_store_relaxed(&idle, 1);
  for (uintptr_t i = 1; i <= 10; i++) mwi_work_put(&w, i * 8);
  assert_true(mwi_work_any());
  mwi_store_relaxed(&idle, 0);
  drain_all(&w);
}

static void buffers_are_used_again(void **state) {
  (void)state;
  static struct mwi_gcp w;
  for (int round = 0; round < 50; round++) {
    for (uintptr_t i = 1; i <= 5000; i++) mwi_work_put(&w, i * 8);
    drain_all(&w);
  }
  assert_true(mwi_work_buffers() < 100);
}

enum { THREADS = 4, EACH = 60000 };
static _Atomic uint8_t taken[THREADS * EACH + 1];
static _Atomic uint32_t ntaken;

static void *run(void *arg) {
  uintptr_t me = (uintptr_t)arg;
  mwi_test_thread_init();
  mwi_rt_enter();
  struct mwi_gcp *w = calloc(1, sizeof *w);
  uint32_t made = 0;
  while (mwi_load_relaxed(&ntaken) < THREADS * EACH) {
    for (int i = 0; i < 50 && made < EACH; i++) mwi_work_put(w, (me * EACH + ++made) * 8);
    if (made % 3 == 0) mwi_work_publish(w);
    for (int i = 0; i < 60; i++) {
      uintptr_t item = mwi_work_get(w);
      if (!item) break;
      if (mwi_add_relaxed(&taken[item / 8], 1) != 0) abort();
      mwi_add_relaxed(&ntaken, 1);
    }
  }
  free(w);
  return NULL;
}

static void threads(void **state) {
  (void)state;
  mwi_store_relaxed(&idle, 1);
  pthread_t t[THREADS];
  for (uintptr_t i = 0; i < THREADS; i++)
    assert_int_equal(mwi_real_pthread_create(&t[i], NULL, run, (void *)i), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  for (int i = 1; i <= THREADS * EACH; i++) assert_int_equal(mwi_load_relaxed(&taken[i]), 1);
  assert_false(mwi_work_any());
}

int main(void) {
  mwi_test_thread_init();
  mwi_rt_enter();
  mwi_gc_hooks.idle_procs = idle_procs;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_in_first_out),       cmocka_unit_test(overflow_keeps_all),
      cmocka_unit_test(publish_empties_the_ring), cmocka_unit_test(shares_while_others_idle),
      cmocka_unit_test(buffers_are_used_again),   cmocka_unit_test(threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
