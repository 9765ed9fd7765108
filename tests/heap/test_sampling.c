/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_sampling.c -- which allocations are samples, and that nothing
 * else changes by it
 */
#include "heap/class.h"
#include "heap/heap_test.h"

static struct mwi_mcache *mc;

static void set_rate(uint64_t rate) {
  mwi_heap.sample_rate = rate;
  mwi_mcache_resample_stw(mc);
}

/* Allocate as compiled code does; returns whether the slot was a sample. */
static bool alloc(mwi_spanclass c, char **p) {
  size_t charged;
  *p = heap_alloc(mc, c, &charged);
  bool sampled = mc->sampled;
  mc->sampled = false;
  return sampled;
}

static void collect(void) {
  heap_end_marking(&mc, 1);
  heap_sweep_all();
  mwi_heap_check_stw();
}

/* x to the power n. */
static double power(double x, unsigned n) {
  double r = 1;
  for (; n; n /= 2, x *= x)
    if (n & 1) r *= x;
  return r;
}

#define RATE 4096

/* Of n objects, each byte a sample point with probability 1 / RATE. */
static void expect_samples(size_t slot, double n, double seen) {
  double p = 1 - power(1 - 1.0 / RATE, (unsigned)slot), want = n * p,
         variance = n * p * (1 - p) + 1;
  if ((seen - want) * (seen - want) > 49 * variance) /* once in 400,000,000,000 times */
    fail_msg("%zu bytes: %g samples of %g, expected %g", slot, seen, n, want);
}

static void probability_follows_the_size(void **state) {
  (void)state;
  set_rate(RATE);
  static const size_t sizes[] = {16, 48, 112, 256, 1024, 4096, 8192, 32768};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    mwi_spanclass c = mwi_class_untyped(sizes[i], true);
    size_t n = (16 << 20) / sizes[i], seen = 0;
    char *p;
    for (size_t k = 0; k < n; k++) seen += alloc(c, &p);
    expect_samples(sizes[i], (double)n, (double)seen);
    collect();
  }
}

/* One countdown serves all classes, and collections in between do not bias it. */
static void classes_take_turns(void **state) {
  (void)state;
  struct rng r = rng_start();
  set_rate(RATE);
  static const size_t sizes[] = {32, 64, 512, 2048};
  size_t n[4] = {0}, seen[4] = {0};
  for (int i = 0; i < 400000; i++) {
    size_t k = rng_below(&r, 4);
    char *p;
    n[k]++;
    seen[k] += alloc(mwi_class_untyped(sizes[k], k & 1), &p);
    if (rng_below(&r, 500) == 0) collect();
  }
  for (int k = 0; k < 4; k++) expect_samples(sizes[k], (double)n[k], (double)seen[k]);
}

static void large_objects(void **state) {
  (void)state;
  set_rate(256 * 1024);
  size_t seen = 0;
  for (int i = 0; i < 10000; i++) seen += mwi_mcache_sample(mc, 64 * 1024);
  assert_in_range(seen, 1900, 2550); /* 10000 * (1 - exp(-1/4)) = 2212 */
}

static void every_one_and_none(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(64, true);
  char *p, *last = NULL;
  set_rate(1);
  for (int i = 0; i < 1000; i++) {
    assert_true(alloc(c, &p));
    assert_ptr_not_equal(p, last);
    last = p;
  }
  set_rate(0); /* in the middle of a run */
  for (int i = 0; i < 1000; i++) assert_false(alloc(c, &p));
  set_rate(1);
  for (int i = 0; i < 1000; i++) assert_true(alloc(c, &p));
}

/* The rest of a run that was cut is free again after a cycle. */
static void a_cut_run_is_not_lost(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(128, true);
  collect();
  set_rate(1);
  char *p, *q;
  alloc(c, &p);
  assert_int_not_equal(mc->of[c].run_end, 0);
  struct mwi_heap_totals before, after;
  mwi_heap_totals_stw(&before, &mc, 1);
  collect();
  assert_int_equal(mc->of[c].run_end, 0);
  mwi_heap_totals_stw(&after, &mc, 1);
  assert_int_equal(after.alloc_objects, before.alloc_objects);
  assert_int_equal(after.freed_objects, before.freed_objects + 1);
  set_rate(0);
  alloc(c, &q);
}

int main(void) {
  heap_start(MWI_GB);
  mc = mwi_mcache_new();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(probability_follows_the_size),
      cmocka_unit_test(classes_take_turns),
      cmocka_unit_test(large_objects),
      cmocka_unit_test(every_one_and_none),
      cmocka_unit_test(a_cut_run_is_not_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
