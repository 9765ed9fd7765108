/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_class.c -- layouts find their span class
 *
 * Order matters: the last test fills the table for good.
 */
#include "heap/class.h"
#include "heap/heap_test.h"

static struct mwi_layout layout(size_t words, const uint64_t *mask) {
  return (struct mwi_layout){
      .size = words * 8, .align = 8, .period = (uint32_t)words, .mask = mask};
}

/* Would a collector that uses class c see a pointer at word i? */
static bool class_has_pointer(mwi_spanclass c, size_t i) {
  const struct mwi_class *k = &mwi_classes[c];
  if (k->noscan) return false;
  if (k->period == 0) return true;
  i %= k->period;
  return (k->period <= 64 ? k->mask >> i : k->longmask[i / 64] >> (i % 64)) & 1;
}

static void untyped_classes(void **state) {
  (void)state;
  for (size_t n = 1; n <= MWI_MAX_SMALL; n += 7) {
    mwi_spanclass a = mwi_class_untyped(n, true), b = mwi_class_untyped(n, false);
    assert_int_equal(mwi_classes[a].slot, mwi_slot_bytes(n));
    assert_true(mwi_classes[a].noscan && !mwi_classes[b].noscan);
    assert_int_equal(mwi_classes[b].period, 0);
    assert_true(a >= MWI_CLASS_FIRST && b < MWI_CLASS_LAYOUTS);
  }
}

static void equal_layouts_share_a_class(void **state) {
  (void)state;
  uint64_t m1 = 0x5 /* pointer, data, pointer, data */, m2 = 0x5 | 0xf0;
  struct mwi_layout a = layout(4, &m1), b = layout(4, &m2); /* bits past the period do not count */
  mwi_spanclass c = mwi_class_for(32, &a);
  assert_true(c >= MWI_CLASS_LAYOUTS);
  assert_int_equal(mwi_class_for(32, &a), c);
  assert_int_equal(mwi_class_for(32, &b), c);
  assert_int_not_equal(mwi_class_for(64, &a), c); /* another slot size */
}

static void repetition_is_folded(void **state) {
  (void)state;
  uint64_t pair = 1, pairs = 0x55; /* one pointer of two; four times */
  struct mwi_layout a = layout(2, &pair), b = layout(8, &pairs);
  assert_int_equal(mwi_class_for(64, &a), mwi_class_for(64, &b));
  assert_int_equal(mwi_classes[mwi_class_for(64, &b)].period, 2);
}

static void simple_masks_are_untyped(void **state) {
  (void)state;
  uint64_t all = 0x7, none = 0;
  uint64_t many[4] = {~0ull, ~0ull, ~0ull, 0xff};
  struct mwi_layout a = layout(3, &all), b = layout(3, &none), c = layout(200, many);
  struct mwi_layout d = {.size = 100, .period = 0};
  assert_int_equal(mwi_class_for(24, &a), mwi_class_untyped(24, false));
  assert_int_equal(mwi_class_for(24, &b), mwi_class_untyped(24, true));
  assert_int_equal(mwi_class_for(1600, &c), mwi_class_untyped(1600, false));
  assert_int_equal(mwi_class_for(100, &d), mwi_class_untyped(100, true));
}

static void masks_are_copied(void **state) {
  (void)state;
  uint64_t *m = calloc(3, 8);
  m[0] = 2, m[2] = 1;
  struct mwi_layout l = layout(130, m);
  mwi_spanclass c = mwi_class_for(130 * 8, &l);
  memset(m, 0xff, 24);
  free(m);
  for (size_t i = 0; i < 130; i++) assert_int_equal(class_has_pointer(c, i), i == 1 || i == 128);
}

/* Whatever the table says, no pointer of the layout may be overlooked, and
 * none invented as long as there is room. */
static void random_layouts(void **state) {
  (void)state;
  struct rng r = rng_start();
  for (int round = 0; round < 3000; round++) {
    size_t words = 1 + rng_below(&r, round % 10 ? 12 : 600);
    uint64_t mask[10];
    for (size_t i = 0; i < 10; i++) mask[i] = rng_next(&r) & (round % 3 ? rng_next(&r) : 1);
    struct mwi_layout l = layout(words, mask);
    size_t n = 1 + rng_below(&r, 4);
    if (words * n * 8 > MWI_MAX_SMALL) n = 1;
    mwi_spanclass c = mwi_class_for(words * n * 8, &l);
    assert_int_equal(c, mwi_class_for(words * n * 8, &l));
    assert_int_equal(mwi_classes[c].slot, mwi_slot_bytes(words * n * 8));
    bool room = mwi_nclasses < MWI_NCLASSES;
    for (size_t i = 0; i < words * n; i++) {
      bool pointer = mask[i % words / 64] >> (i % words % 64) & 1;
      if (pointer || room) assert_int_equal(class_has_pointer(c, i), pointer);
    }
    uint32_t period;
    const uint64_t *m = mwi_mask_intern(&l, &period);
    for (size_t i = 0; i < words; i++) {
      bool pointer = mask[i / 64] >> (i % 64) & 1;
      bool found = m ? m[i / 64] >> (i % 64) & 1 : period != 0;
      if (pointer) assert_true(found);
    }
  }
  assert_int_equal(mwi_nclasses, MWI_NCLASSES); /* it did fill the table */
}

int main(void) {
  heap_start(MWI_GB);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(untyped_classes),      cmocka_unit_test(equal_layouts_share_a_class),
      cmocka_unit_test(repetition_is_folded), cmocka_unit_test(simple_masks_are_untyped),
      cmocka_unit_test(masks_are_copied),     cmocka_unit_test(random_layouts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
