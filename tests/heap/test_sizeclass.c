/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_sizeclass.c -- the table keeps its promises on waste, and
 * object numbers computed by multiplication are exact
 */
#include "heap/heap_test.h"
#include "heap/sizeclass.h"

static void smallest_class_that_fits(void **state) {
  (void)state;
  for (size_t n = 1; n <= MWI_MAX_SMALL; n++) {
    unsigned c = mwi_sizeclass_of(n);
    assert_true(c < MWI_NSIZECLASSES);
    assert_true(mwi_sizeclasses[c].slot >= n);
    if (c) assert_true(mwi_sizeclasses[c - 1].slot < n);
    assert_int_equal(mwi_slot_bytes(n), mwi_sizeclasses[c].slot);
  }
  assert_int_equal(mwi_sizeclasses[0].slot, 16);
  assert_int_equal(mwi_sizeclasses[MWI_NSIZECLASSES - 1].slot, MWI_MAX_SMALL);
}

/* Distance from one candidate size to the next, as in scripts/gen_sizeclasses.py. */
static size_t step(size_t size) {
  size_t power = 1;
  while (power * 2 <= size) power *= 2;
  return size >= 2048 ? 256 : size >= 128 ? power / 8 : size >= 32 ? 16 : 8;
}

/* Tail waste of a span: an eighth.  Rounding waste from 128 bytes on: an eighth,
 * except where a class between would not put more objects in the pages. */
static void waste_is_at_most_one_eighth(void **state) {
  (void)state;
  size_t before = 0;
  for (unsigned c = 0; c < MWI_NSIZECLASSES; c++) {
    const struct mwi_sizeclass *k = &mwi_sizeclasses[c];
    size_t span = k->pages * MWI_PAGE_BYTES;
    assert_true(span - (size_t)k->nelems * k->slot <= span / 8);
    size_t between = before + step(before);
    if (before >= 128 && (k->slot - (before + 1)) * 8 > k->slot)
      assert_int_equal(span / between, k->nelems);
    before = k->slot;
  }
}

/* The recipe of scripts/gen_sizeclasses.py, once more. */
static void table_is_what_the_recipe_gives(void **state) {
  (void)state;
  size_t sizes[200], pages[200], n = 0;
  for (size_t size = 16; size <= MWI_MAX_SMALL;) {
    size_t p = 1;
    while (p * 8192 % size > p * 8192 / 8) p++;
    if (n && pages[n - 1] == p && p * 8192 / sizes[n - 1] == p * 8192 / size) n--;
    sizes[n] = size;
    pages[n++] = p;
    size += step(size);
  }
  assert_int_equal(n, MWI_NSIZECLASSES);
  for (size_t i = 0; i < n; i++) {
    size_t span = pages[i] * 8192, fill = span / (span / sizes[i]) / 128 * 128;
    if (fill > sizes[i]) sizes[i] = fill;
    assert_int_equal(mwi_sizeclasses[i].slot, sizes[i]);
    assert_int_equal(mwi_sizeclasses[i].pages, pages[i]);
  }
}

static void object_number_of_every_offset(void **state) {
  (void)state;
  for (unsigned c = 0; c < MWI_NSIZECLASSES; c++) {
    const struct mwi_sizeclass *k = &mwi_sizeclasses[c];
    for (uint64_t off = 0; off < k->pages * MWI_PAGE_BYTES; off++)
      if ((off * k->magic) >> 32 != off / k->slot) fail_msg("slot %u offset %lu", k->slot, off);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(smallest_class_that_fits),
      cmocka_unit_test(waste_is_at_most_one_eighth),
      cmocka_unit_test(table_is_what_the_recipe_gives),
      cmocka_unit_test(object_number_of_every_offset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
