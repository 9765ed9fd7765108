/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_pagealloc.c -- the page allocator against a naive one
 *
 * The model is one byte a page and a linear search; every answer must be the
 * same page, since first fit [PG1] leaves no choice.
 */
#include "heap/heap_test.h"
#include "heap/pagealloc.h"
#include "heap/pagebits.h"

static struct mwi_pagealloc *fresh(size_t nchunks, size_t room) {
  struct mwi_pagealloc *a = calloc(1, sizeof *a);
  a->chunks = calloc(room, sizeof *a->chunks);
  for (int i = 0; i < MWI_PA_LEVELS; i++)
    a->level[i] = calloc(mwi_pa_entries(room, i), sizeof **a->level);
  mwi_pa_grow(a, nchunks);
  return a;
}

static void drop(struct mwi_pagealloc *a) {
  free(a->chunks);
  for (int i = 0; i < MWI_PA_LEVELS; i++) free(a->level[i]);
  free(a);
}

/* ---- Bits ---------------------------------------------------------------- */

static void gaps_and_runs_in_a_word(void **state) {
  (void)state;
  struct rng r = rng_start();
  for (int round = 0; round < 200000; round++) {
    uint64_t u = rng_next(&r);
    for (size_t k = rng_below(&r, 4); k > 0; k--) u &= rng_next(&r);
    for (size_t k = rng_below(&r, 4); k > 0; k--) u |= rng_next(&r);
    if (!u) continue;
    unsigned longest = 0, run = 0, lo = mwi_ctz64(u), hi = 63 - mwi_clz64(u);
    for (unsigned i = lo; i <= hi; i++) {
      run = u >> i & 1 ? 0 : run + 1;
      if (run > longest) longest = run;
    }
    unsigned known = (unsigned)rng_below(&r, 20), got = mwi_longest_inner_gap(u, known);
    if (longest > known) assert_int_equal(got, longest);
    assert_true(got <= longest);
    unsigned n = 1 + (unsigned)rng_below(&r, 63), first = 64;
    for (unsigned i = 0; first == 64 && i + n <= 64; i++)
      if ((u & mwi_bits_mask(i, n)) == 0) first = i;
    assert_int_equal(mwi_word_find(u, n), first);
  }
}

/* ---- Against the model --------------------------------------------------- */

#define MODEL_CHUNKS 24
#define MODEL_PAGES (MODEL_CHUNKS * MWI_CHUNK_PAGES)
static struct {
  uint8_t used[MODEL_PAGES], scav[MODEL_PAGES];
  size_t npages;
} model;

static size_t model_find(size_t n) {
  size_t run = 0;
  for (size_t i = 0; i < model.npages; i++) {
    run = model.used[i] ? 0 : run + 1;
    if (run == n) return i + 1 - n;
  }
  return MWI_PA_NONE;
}

static void model_grow(struct mwi_pagealloc *a, size_t chunks) {
  mwi_pa_grow(a, chunks);
  for (; model.npages < chunks * MWI_CHUNK_PAGES; model.npages++)
    model.used[model.npages] = 0, model.scav[model.npages] = 1;
}

struct run {
  size_t page, n;
};

static void random_operations(void **state) {
  (void)state;
  struct rng r = rng_start();
  for (int game = 0; game < 4; game++) {
    memset(&model, 0, sizeof model);
    struct mwi_pagealloc *a = fresh(1, MODEL_CHUNKS);
    model.npages = MWI_CHUNK_PAGES;
    memset(model.scav, 1, MWI_CHUNK_PAGES);
    static struct run live[MODEL_PAGES];
    size_t nlive = 0;
    size_t most = game == 0 ? 4 : game == 1 ? 70 : 1500; /* pages in a request */
    for (int step = 0; step < 12000; step++) {
      size_t what = rng_below(&r, 100);
      bool shrinking = step / 3000 % 2; /* waves: full, then empty */
      if (what < (shrinking ? 30 : 55)) {
        size_t n = 1 + rng_below(&r, 1 + rng_below(&r, most)), scav, want = model_find(n),
               dirty = 0;
        size_t page = mwi_pa_alloc(a, n, &scav);
        assert_int_equal(page, want);
        if (page == MWI_PA_NONE) {
          if (a->nchunks < MODEL_CHUNKS && rng_below(&r, 4) == 0) model_grow(a, a->nchunks + 1);
          continue;
        }
        for (size_t i = page; i < page + n; i++) {
          dirty += !model.scav[i];
          model.used[i] = 1;
          model.scav[i] = 0;
        }
        assert_int_equal(scav, n - dirty);
        live[nlive++] = (struct run){page, n};
      } else if (what < 85) {
        if (!nlive) continue;
        size_t i = rng_below(&r, nlive);
        struct run f = live[i];
        live[i] = live[--nlive];
        mwi_pa_free(a, f.page, f.n);
        memset(model.used + f.page, 0, f.n);
      } else if (what < 92) { /* a page cache takes a block, uses some, returns the rest */
        uint64_t free = 0, scav = 0;
        size_t first = model_find(1), page = mwi_pa_take_block(a, &free, &scav);
        assert_int_equal(page, first == MWI_PA_NONE ? first : first / 64 * 64);
        if (page == MWI_PA_NONE) continue;
        uint64_t keep = rng_next(&r) & rng_next(&r) & free;
        for (unsigned i = 0; i < 64; i++) {
          assert_int_equal(free >> i & 1, !model.used[page + i]);
          assert_int_equal(scav >> i & 1, free >> i & 1 ? model.scav[page + i] : 0);
          if (!(keep >> i & 1)) continue;
          live[nlive++] = (struct run){page + i, 1};
          model.used[page + i] = 1;
          model.scav[page + i] = 0;
        }
        mwi_pa_put_block(a, page, free & ~keep, scav & ~keep);
      } else { /* scavenger */
        size_t n = 0, page = mwi_pa_take_unscavenged(a, 1 + rng_below(&r, 64), &n);
        size_t top = MWI_PA_NONE;
        for (size_t i = model.npages; top == MWI_PA_NONE && i-- > 0;)
          if (!model.used[i] && !model.scav[i]) top = i;
        if (top == MWI_PA_NONE) {
          assert_int_equal(page, top);
          continue;
        }
        assert_int_equal(page + n - 1, top);
        for (size_t i = page; i < page + n; i++) {
          assert_true(!model.used[i] && !model.scav[i]);
          model.scav[i] = 1;
        }
        mwi_pa_put_scavenged(a, page, n);
      }
      if (step % 16 == 0) mwi_pa_check(a);
    }
    mwi_pa_check(a);
    assert_int_equal(a->nchunks, game == 0 ? a->nchunks : MODEL_CHUNKS); /* it did get full */
    drop(a);
  }
}

/* Runs that cross the boundary between entries of each level. */
static void runs_across_all_levels(void **state) {
  (void)state;
  size_t nchunks = 3 << 12; /* 48 GB: three entries of level 0 */
  struct mwi_pagealloc *a = fresh(nchunks, nchunks);
  size_t scav, all = nchunks * MWI_CHUNK_PAGES;
  assert_int_equal(mwi_pa_alloc(a, all + 1, &scav), MWI_PA_NONE);
  assert_int_equal(mwi_pa_tail(a), all);
  assert_int_equal(mwi_pa_alloc(a, all, &scav), 0);
  assert_int_equal(mwi_pa_tail(a), 0);
  assert_int_equal(mwi_pa_alloc(a, 1, &scav), MWI_PA_NONE);
  for (unsigned shift = 9; shift <= 21; shift += 3) {
    size_t border = (size_t)1 << shift;
    for (size_t n = 2; n <= border; n = n * 3 + 1) {
      mwi_pa_free(a, border - n / 2, n);
      assert_int_equal(mwi_pa_alloc(a, n + 1, &scav), MWI_PA_NONE);
      assert_int_equal(mwi_pa_alloc(a, n, &scav), border - n / 2);
      assert_int_equal(scav, 0);
    }
  }
  mwi_pa_free(a, ((size_t)1 << 21) - 7,
              ((size_t)1 << 21) + 20); /* a whole entry of level 0 inside */
  assert_int_equal(mwi_pa_alloc(a, ((size_t)1 << 21) + 20, &scav), ((size_t)1 << 21) - 7);
  mwi_pa_check(a);
  drop(a);
}

static void double_free_is_fatal(void **state) {
  (void)state;
  struct mwi_pagealloc *a = fresh(2, 2);
  size_t scav, page = mwi_pa_alloc(a, 700, &scav);
  mwi_pa_free(a, page, 700);
  EXPECT_FATAL("freed twice", mwi_pa_free(a, page, 700));
  drop(a);
}

int main(void) {
  mwi_test_thread_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gaps_and_runs_in_a_word),
      cmocka_unit_test(random_operations),
      cmocka_unit_test(runs_across_all_levels),
      cmocka_unit_test(double_free_is_fatal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
