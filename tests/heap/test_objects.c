/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_objects.c -- one object at a time: cursors, tiny objects,
 * large objects, colours, and what the checks say about broken heaps
 */
#include "heap/class.h"
#include "heap/heap_test.h"

static struct mwi_mcache *mc, *other;

static void sweep_cycle(void) {
  heap_end_marking(&mc, 1);
  heap_sweep_all();
  assert_true(mwi_sweep_done());
  mwi_heap_check_stw();
}

static void start_marking(void) {
  mwi_mcache_start_black_stw(mc);
  mwi_heap_check_stw();
}

/* ---- Cursors ------------------------------------------------------------- */

static void empty_cursors_have_no_room(void **state) {
  (void)state;
  for (size_t c = 0; c < MWI_NCLASSES; c++)
    assert_true(mwi_mcache_none.of[c].cursor.next + 1 > mwi_mcache_none.of[c].cursor.limit);
}

static void a_run_is_charged_once(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(64, true);
  size_t charged, sum = 0;
  char *first = heap_alloc(mc, c, &charged);
  assert_int_equal(charged, MWI_PAGE_BYTES);
  for (int i = 1; i < 128; i++) {
    assert_ptr_equal(heap_alloc(mc, c, &charged), first + 64 * i);
    sum += charged;
  }
  assert_int_equal(sum, 0);
  heap_alloc(mc, c, &charged);
  assert_true(charged > 0);
  /* the slow half also serves from a run that has room */
  char *p = mwi_mcache_alloc_slow(mc, c, &charged);
  assert_int_equal(charged, 0);
  assert_ptr_equal(heap_alloc(mc, c, &charged), p + 64);
}

static void runs_are_limited(void **state) {
  (void)state;
  for (size_t n = 1024; n <= MWI_MAX_SMALL; n += 1024) {
    size_t charged, slot = mwi_slot_bytes(n);
    mwi_mcache_flush_stw(mc);
    heap_alloc(mc, mwi_class_untyped(n, true), &charged);
    assert_true(charged > 0 && (charged == slot || charged <= 8 * MWI_KB));
    assert_int_equal(charged % slot, 0);
  }
}

/* A span of slots of 48 bytes, of which every second one is an object, all of them full of 0xee. */
static size_t every_second(mwi_spanclass c, char *p[512]) {
  size_t n = mwi_classes[c].nelems, charged;
  start_marking();
  sweep_cycle();
  for (size_t i = 0; i < n; i++) {
    p[i] = heap_alloc(mc, c, &charged);
    memset(p[i], 0xee, 48);
  }
  start_marking();
  for (size_t i = 0; i < n; i += 2) heap_mark(p[i]);
  sweep_cycle();
  return n;
}

static bool all_zero(const char *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (p[i]) return false;
  return true;
}

static uint64_t objects_made(void) {
  struct mwi_heap_totals t;
  mwi_heap_totals_stw(&t, &mc, 1);
  return t.alloc_objects;
}

/* Runs of one slot, found in order, zeroed; charged a word of bits at a time. */
static void fragmented_span_is_refilled_slot_by_slot(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(48, true);
  char *p[512];
  size_t n = every_second(c, p), charged;
  uint64_t made = objects_made();
  for (size_t i = 1; i < n; i += 2) {
    char *q = heap_alloc(mc, c, &charged);
    assert_ptr_equal(q, p[i]);
    size_t word = n - i / 64 * 64 < 64 ? n % 64 : 64; /* slots that have a bit there */
    assert_int_equal(charged, i % 64 == 1 ? word / 2 * 48 : 0);
    assert_true(all_zero(q, 48));
    assert_int_equal((uint8_t)p[i - 1][47], 0xee);
    assert_int_equal(objects_made() - made, i / 2 + 1); /* what is set aside is not counted */
    mwi_heap_check_stw();
  }
}

/* [H2] */
static void rest_is_free_again_when_marking_begins(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(48, false);
  char *p[512];
  size_t charged;
  every_second(c, p);
  uint64_t made = objects_made();
  assert_ptr_equal(heap_alloc(mc, c, &charged), p[1]);
  assert_ptr_equal((void *)mwi_object_of((uintptr_t)p[3], NULL, NULL), p[3]); /* set aside */
  assert_int_equal((uint8_t)p[3][0], 0xee);
  start_marking();
  assert_int_equal(mwi_object_of((uintptr_t)p[3], NULL, NULL), 0);
  assert_false(heap_marked(p[3]));
  assert_int_equal(objects_made() - made, 1);
  assert_ptr_equal(heap_alloc(mc, c, &charged), p[3]);
  assert_int_equal(charged, 31 * 48);
  for (int i = 3; i < 64; i += 2) assert_true(heap_marked(p[i]) && all_zero(p[i], 48));
  mwi_heap_check_stw();
  sweep_cycle();
  assert_int_equal(objects_made() - made, 2);
  assert_ptr_equal((void *)mwi_object_of((uintptr_t)p[3], NULL, NULL), p[3]); /* black */
  assert_int_equal(mwi_object_of((uintptr_t)p[1], NULL, NULL), 0);            /* white */
  assert_int_equal(mwi_object_of((uintptr_t)p[5], NULL, NULL), 0);            /* not handed out */
}

/* [H2] */
static void rest_without_pointers_is_zeroed_late(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(48, true);
  char *p[512];
  size_t charged;
  every_second(c, p);
  start_marking();
  for (int i = 1; i < 64; i += 2) {
    assert_int_equal((uint8_t)p[i][0], 0xee);
    assert_ptr_equal(heap_alloc(mc, c, &charged), p[i]);
    assert_true(all_zero(p[i], 48) && heap_marked(p[i]));
    mwi_heap_check_stw();
  }
  sweep_cycle();
}

/* The slot that the rest offers, or nothing and no change. */
static void rest_serves_or_leaves_things_alone(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(48, true);
  char *p[512];
  size_t charged;
  assert_null(mwi_mcache_alloc_rest(mc, mwi_class_untyped(2000, true))); /* never had a span */
  every_second(c, p);
  assert_null(mwi_mcache_alloc_rest(mc, c)); /* no rest yet */
  assert_ptr_equal(mwi_mcache_alloc_slow(mc, c, &charged), p[1]);
  assert_ptr_equal(mwi_mcache_alloc_rest(mc, c), p[3]);
  uint64_t left = mc->sample_left;
  mc->sample_left = 47; /* the next sample point is in the next run */
  assert_null(mwi_mcache_alloc_rest(mc, c));
  assert_int_equal(mc->sample_left, 47);
  mc->sample_left = left;
  assert_ptr_equal(mwi_mcache_alloc_rest(mc, c), p[5]);
  struct mwi_cursor *cur = &mc->of[c].cursor;
  cur->next -= 48; /* as if it had room */
  assert_null(mwi_mcache_alloc_rest(mc, c));
  cur->next += 48;
  mwi_heap_check_stw();
}

/* [H4] A processor's spans come back to it; what it has none of it takes from others, sooner than
 * new pages. */
static void spans_stay_with_their_shard(void **state) {
  (void)state;
  struct mwi_mcache *both[2] = {mc, other};
  assert_int_not_equal(mc->shard, other->shard);
  mwi_spanclass c = mwi_class_untyped(1500, true), of_mc = mwi_class_untyped(1800, true);
  size_t charged;
  char *mine[2], *theirs[2];
  sweep_cycle(); /* frees all there was */
  for (int i = 0; i < 2; i++) mine[i] = heap_alloc(mc, c, &charged);
  for (int i = 0; i < 2; i++) theirs[i] = heap_alloc(other, c, &charged);
  char *alone = heap_alloc(mc, of_mc, &charged);
  for (int cycle = 0; cycle < 3; cycle++) {
    mwi_mcache_start_black_stw(mc);
    mwi_mcache_start_black_stw(other);
    heap_mark(mine[0]);
    heap_mark(theirs[0]);
    heap_mark(alone);
    heap_end_marking(both, 2);
    if (cycle == 2) heap_sweep_all();
    size_t pages = mwi_load_relaxed(&mwi_heap.inuse_pages);
    struct mwi_span *s, *t;
    assert_true(mwi_object_of((uintptr_t)mine[0], NULL, &s));
    assert_true(mwi_object_of((uintptr_t)theirs[0], NULL, &t));
    heap_alloc(mc, c, &charged);
    heap_alloc(other, c, &charged);
    assert_ptr_equal(mc->of[c].span, s);
    assert_ptr_equal(other->of[c].span, t);
    heap_alloc(other, of_mc, &charged);
    assert_true(mwi_load_relaxed(&mwi_heap.inuse_pages) <= pages);
    mwi_heap_check_stw();
  }
  heap_sweep_all();
  mwi_mcache_flush_stw(other); /* the other tests know of mc alone */
}

/* [SW2] */
static void sweeps_take_several_spans(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(48, true);
  size_t n = mwi_classes[c].nelems, charged;
  start_marking();
  sweep_cycle();
  start_marking();
  for (size_t i = 0; i < 5 * MWI_SWEEP_SPANS; i++) { /* a third is full, a third empty */
    char *first = heap_alloc(mc, c, &charged);
    for (size_t k = 1; k < n; k++) heap_alloc(mc, c, &charged);
    struct mwi_span *s;
    assert_true(mwi_object_of((uintptr_t)first, NULL, &s));
    for (size_t w = 0; i % 3 && w < MWI_SPAN_MAX_OBJECTS / 64; w++)
      s->mark[w] = i % 3 == 1 && w == 0;
  }
  heap_end_marking(&mc, 1);
  size_t unswept = mwi_load_relaxed(&mwi_heap.unswept_spans), pages;
  while ((pages = mwi_sweep_some()) != 0) {
    size_t now = mwi_load_relaxed(&mwi_heap.unswept_spans);
    assert_true(now < unswept && unswept - now <= MWI_SWEEP_SPANS && pages >= unswept - now);
    unswept = now;
    mwi_heap_check_stw();
  }
  assert_true(mwi_sweep_done());
}

static void rest_of_a_run_is_not_an_object(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(512, false);
  mwi_mcache_flush_stw(mc);
  size_t charged;
  char *p = heap_alloc(mc, c, &charged);
  start_marking();
  assert_true(heap_marked(p + 512)); /* black before it is handed out [H6] */
  char *q = heap_alloc(mc, c, &charged);
  assert_ptr_equal(q, p + 512);
  mwi_mcache_flush_stw(mc);
  assert_int_equal(mwi_object_of((uintptr_t)q + 512, NULL, NULL), 0);
  assert_ptr_equal((void *)mwi_object_of((uintptr_t)q + 511, NULL, NULL), q);
  mwi_heap_start_sweep_stw();
  heap_sweep_all();
  assert_int_equal(mwi_object_of((uintptr_t)p, NULL, NULL), 0); /* white: freed */
  assert_ptr_equal((void *)mwi_object_of((uintptr_t)q, NULL, NULL), q);
  mwi_heap_check_stw();
}

/* ---- Tiny ---------------------------------------------------------------- */

static void tiny_objects_share_a_slot(void **state) {
  (void)state;
  size_t charged;
  mwi_mcache_flush_stw(mc);
  char *a = mwi_mcache_alloc_tiny(mc, 1, &charged), *b = mwi_mcache_alloc_tiny(mc, 1, &charged);
  char *c = mwi_mcache_alloc_tiny(mc, 4, &charged), *d = mwi_mcache_alloc_tiny(mc, 8, &charged);
  assert_ptr_equal(b, a + 1);
  assert_ptr_equal(c, a + 4);
  assert_ptr_equal(d, a + 8);
  char *e = mwi_mcache_alloc_tiny(mc, 2, &charged);
  assert_int_equal(mwi_object_of((uintptr_t)e, NULL, NULL) == (uintptr_t)a, 0);
  for (size_t n = 1; n < 16; n++)
    for (int i = 0; i < 20; i++) {
      uintptr_t p = (uintptr_t)mwi_mcache_alloc_tiny(mc, n, &charged);
      assert_int_equal(p % (n % 8 == 0 ? 8 : n % 4 == 0 ? 4 : n % 2 == 0 ? 2 : 1), 0);
      assert_true(p % 16 + n <= 16);
      for (size_t k = 0; k < n; k++) assert_int_equal(((char *)p)[k], 0);
      memset((char *)p, 0xff, n);
    }
}

static void tiny_objects_are_aligned(void **state) {
  (void)state;
  size_t charged;
  mwi_mcache_flush_stw(mc);
  char *a = mwi_mcache_alloc_tiny(mc, 3, &charged);
  assert_ptr_equal(mwi_mcache_alloc_tiny(mc, 8, &charged), a + 8);
  mwi_mcache_flush_stw(mc);
  a = mwi_mcache_alloc_tiny(mc, 1, &charged);
  assert_ptr_equal(mwi_mcache_alloc_tiny(mc, 2, &charged), a + 2);
  assert_ptr_equal(mwi_mcache_alloc_tiny(mc, 1, &charged), a + 4);
  assert_ptr_equal(mwi_mcache_alloc_tiny(mc, 4, &charged), a + 8);
}

/* A finalizer or a sample in its span, or a block that others share: not to be freed at once. */
static void not_every_object_is_freed(void **state) {
  (void)state;
  size_t charged;
  mwi_mcache_flush_stw(mc);
  void *p = heap_alloc(mc, mwi_class_untyped(48, false), &charged);
  struct mwi_span *s = mwi_desc_span(mwi_heap_lookup((uintptr_t)p));
  s->specials = &charged;
  assert_false(mwi_mcache_free(mc, (uintptr_t)p));
  s->specials = NULL;
  assert_true(mwi_mcache_free(mc, (uintptr_t)p));
  assert_ptr_equal(mwi_mcache_reuse(mc, mwi_class_untyped(48, false)), p);
  char *tiny = mwi_mcache_alloc_tiny(mc, 5, &charged);
  assert_false(mwi_mcache_free(mc, (uintptr_t)tiny));
}

static void emptier_tiny_block_is_kept(void **state) {
  (void)state;
  size_t charged;
  mwi_mcache_flush_stw(mc);
  char *a = mwi_mcache_alloc_tiny(mc, 3, &charged);
  mwi_mcache_alloc_tiny(mc, 14, &charged); /* needs a new block, which has less room */
  assert_ptr_equal(mwi_mcache_alloc_tiny(mc, 1, &charged), a + 3);
}

static void current_tiny_block_outlives_the_cycle(void **state) {
  (void)state;
  size_t charged;
  mwi_mcache_flush_stw(mc);
  char *a = mwi_mcache_alloc_tiny(mc, 3, &charged);
  start_marking();
  assert_true(heap_marked(a));
  assert_ptr_equal(mwi_mcache_alloc_tiny(mc, 3, &charged), a + 3); /* black: from a marked block */
  sweep_cycle();
  assert_ptr_equal((void *)mwi_object_of((uintptr_t)a + 3, NULL, NULL), a);
  assert_int_equal(mc->tiny, 0);
}

/* ---- Large --------------------------------------------------------------- */

static void large_object_appears_when_published(void **state) {
  (void)state;
  bool needzero;
  uint64_t mask = 5;
  struct mwi_layout l = {.size = 40, .align = 8, .period = 5, .mask = &mask};
  struct mwi_span *s = mwi_large_alloc(mc, 100001, &l, &needzero);
  assert_int_equal(mwi_heap_lookup(s->base), 0);
  assert_int_equal(s->slot, 100008);
  assert_int_equal(s->large_period, 5);
  assert_int_equal(s->large_mask[0], 5);
  assert_ptr_not_equal(s->large_mask, &mask);
  start_marking(); /* a cycle begins and ends while the memory is being zeroed */
  sweep_cycle();
  start_marking();
  mwi_large_publish(s);
  assert_true(heap_marked((void *)s->base));
  size_t size;
  struct mwi_span *found;
  assert_int_equal(mwi_object_of(s->base + 100000, &size, &found), s->base);
  assert_int_equal(size, 100008);
  assert_ptr_equal(found, s);
  sweep_cycle();
  assert_int_equal(mwi_object_of(s->base + 5, NULL, NULL), s->base);
  uintptr_t base = s->base;
  start_marking();
  sweep_cycle();
  assert_int_equal(mwi_heap_lookup(base), 0);
}

static void large_layouts(void **state) {
  (void)state;
  bool needzero;
  uint64_t all = 3, none = 0;
  struct mwi_layout every = {.period = 2, .mask = &all}, data = {.period = 2, .mask = &none};
  struct mwi_layout noscan = {.period = 0};
  struct mwi_span *s = mwi_large_alloc(mc, 50000, &every, &needzero);
  assert_true(!s->noscan && !s->large_mask);
  mwi_large_publish(s);
  s = mwi_large_alloc(mc, 50000, NULL, &needzero);
  assert_true(!s->noscan && !s->large_mask);
  mwi_large_publish(s);
  s = mwi_large_alloc(mc, 50000, &data, &needzero);
  assert_true(s->noscan);
  mwi_large_publish(s);
  s = mwi_large_alloc(mc, 50000, &noscan, &needzero);
  assert_true(s->noscan);
  mwi_large_publish(s);
  start_marking();
  sweep_cycle();
}

/* ---- Clobber ------------------------------------------------------------- */

static void clobber_fills_what_is_freed(void **state) {
  (void)state;
  mwi_heap_hooks.clobber_free = true;
  size_t charged;
  mwi_spanclass c = mwi_class_untyped(96, true);
  char *keep = heap_alloc(mc, c, &charged), *lose = heap_alloc(mc, c, &charged);
  bool needzero;
  struct mwi_span *s = mwi_large_alloc(mc, 40000, NULL, &needzero);
  char *big = (char *)s->base;
  memset(keep, 1, 96);
  memset(lose, 1, 96);
  memset(big, 1, 40000);
  mwi_large_publish(s);
  start_marking();
  heap_mark(keep);
  sweep_cycle();
  for (int i = 0; i < 24; i++) assert_int_equal(((uint32_t *)(void *)lose)[i], 0xdeadbeef);
  for (int i = 0; i < 10000; i++) assert_int_equal(((uint32_t *)(void *)big)[i], 0xdeadbeef);
  for (int i = 0; i < 96; i++) assert_int_equal(keep[i], 1);
  mwi_heap_hooks.clobber_free = false;
  for (int i = 0; i < 85; i++) {
    char *p = heap_alloc(mc, c, &charged);
    for (int k = 0; k < 96; k++) assert_int_equal(p[k], 0);
  }
}

/* ---- Broken heaps -------------------------------------------------------- */

static void marked_free_slot_is_fatal(void **state) {
  (void)state;
  size_t charged;
  mwi_spanclass c = mwi_class_untyped(2048, true);
  char *p = heap_alloc(mc, c, &charged);
  start_marking();
  heap_mark(p);
  mwi_mcache_flush_stw(mc);
  struct mwi_span *s;
  mwi_object_of((uintptr_t)p, NULL, &s);
  uint32_t slot = s->free_index;
  assert_true(slot < s->nelems);
  mwi_or_relaxed(&s->mark[slot / 64], (uint64_t)1 << slot % 64); /* a stray pointer was believed */
  EXPECT_FATAL("heap check", mwi_heap_check_stw());
  mwi_heap_start_sweep_stw();
  EXPECT_FATAL("found pointer to free object", heap_sweep_all());
  /* that span stays in the sweeper's hand: no test can follow */
}

/* [H2] Raw objects come as they were left; zeroed when marking could miss what is in them. */
static void raw_objects(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_raw(1000, false);
  size_t charged, slot = mwi_classes[c].slot, zero = 0;
  assert_true(mwi_classes[c].raw && !mwi_classes[c].noscan && slot == mwi_slot_bytes(1000));
  assert_true(mwi_classes[mwi_class_raw(64, true)].noscan);
  mwi_mcache_flush_stw(mc);
  uint64_t *kept = heap_alloc(mc, c, &charged); /* keeps the span */
  for (int i = 1; i < 6; i++) memset(heap_alloc(mc, c, &charged), 0x5a, slot);
  start_marking();
  heap_mark(kept);
  sweep_cycle();
  uint64_t *p = heap_alloc(mc, c, &charged);
  assert_int_equal(p[3], 0x5a5a5a5a5a5a5a5a);
  start_marking();
  for (int i = 0; i < 4; i++) { /* the rest of the run */
    p = heap_alloc(mc, c, &charged);
    for (size_t w = 0; w < slot / 8; w++) zero += p[w] != 0;
    memset(p, 0x5a, slot);
  }
  sweep_cycle();
  start_marking();
  for (int i = 0; i < 8; i++) { /* runs taken while marking */
    p = heap_alloc(mc, c, &charged);
    for (size_t w = 0; w < slot / 8; w++) zero += p[w] != 0;
  }
  sweep_cycle();
  assert_int_equal(zero, 0);
}

/* [H7] */
static void freed_objects_come_back_once(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(400, false);
  size_t charged;
  char *a = heap_alloc(mc, c, &charged), *b = heap_alloc(mc, c, &charged);
  assert_null(mwi_mcache_reuse(mc, c));
  assert_false(mwi_mcache_free(mc, (uintptr_t)a + 16)); /* not its start */
  assert_false(mwi_mcache_free(mc, (uintptr_t)&a));
  assert_true(mwi_mcache_free(mc, (uintptr_t)a) && mwi_mcache_free(mc, (uintptr_t)b));
  EXPECT_FATAL("freed twice", mwi_mcache_free(mc, (uintptr_t)b));
  assert_null(mwi_mcache_reuse(mc, mwi_class_untyped(400, true)));
  assert_ptr_equal(mwi_mcache_reuse(mc, c), b);
  assert_ptr_equal(mwi_mcache_reuse(mc, c), a);
  assert_null(mwi_mcache_reuse(mc, c));
  assert_true(mwi_mcache_free(mc, (uintptr_t)a));
  start_marking();
  assert_null(mwi_mcache_reuse(mc, c)); /* the sweep will find it */
  assert_false(mwi_mcache_free(mc, (uintptr_t)b));
  heap_mark(b);
  mwi_mcache_flush_stw(mc);
  mwi_heap_start_sweep_stw();
  assert_null(mwi_mcache_reuse(mc, c));
  assert_false(mwi_mcache_free(mc, (uintptr_t)b)); /* not swept yet */
  heap_sweep_all();
  assert_null(mwi_mcache_reuse(mc, c));
  assert_false(mwi_mcache_free(mc, (uintptr_t)a)); /* swept: nobody's */
  assert_true(mwi_mcache_free(mc, (uintptr_t)b));
  assert_ptr_equal(mwi_mcache_reuse(mc, c), b);
}

static void walker_sees_damage(void **state) {
  (void)state;
  size_t charged;
  mwi_spanclass c = mwi_class_untyped(112, false);
  char *p = heap_alloc(mc, c, &charged);
  struct mwi_span *s;
  assert_true(mwi_object_of((uintptr_t)p, NULL, &s));

#define DAMAGE(change, undo)                                                                       \
  do {                                                                                             \
    change;                                                                                        \
    EXPECT_FATAL("heap check", mwi_heap_check_stw());                                              \
    undo;                                                                                          \
  } while (0)
  DAMAGE(s->nalloc++, s->nalloc--);
  DAMAGE(s->in_cache = 0, s->in_cache = 1);
  DAMAGE(s->noscan = 1, s->noscan = 0);
  DAMAGE(p[112] = 1, p[112] = 0); /* in the run, behind p */
  DAMAGE(mc->of[c].rest = 2, mc->of[c].rest = 0);
  DAMAGE(mc->of[c].slot++, mc->of[c].slot--);
  DAMAGE(mc->used_classes[c / 64] ^= (uint64_t)1 << c % 64,
         mc->used_classes[c / 64] ^= (uint64_t)1 << c % 64);
  size_t page = (s->base - mwi_heap.base) >> MWI_PAGE_SHIFT;
  mwi_pagedesc d = mwi_heap.pagemap[page];
  DAMAGE(mwi_heap.pagemap[page] = 0, mwi_heap.pagemap[page] = d);
  DAMAGE(mwi_heap.inuse_pages++, mwi_heap.inuse_pages--);
  DAMAGE(mwi_heap.released++, mwi_heap.released--);
  mwi_heap_check_stw();
}

int main(void) {
  heap_start(MWI_GB);
  mc = mwi_mcache_new();
  other = mwi_mcache_new();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty_cursors_have_no_room),
      cmocka_unit_test(a_run_is_charged_once),
      cmocka_unit_test(runs_are_limited),
      cmocka_unit_test(fragmented_span_is_refilled_slot_by_slot),
      cmocka_unit_test(rest_is_free_again_when_marking_begins),
      cmocka_unit_test(rest_without_pointers_is_zeroed_late),
      cmocka_unit_test(rest_serves_or_leaves_things_alone),
      cmocka_unit_test(sweeps_take_several_spans),
      cmocka_unit_test(rest_of_a_run_is_not_an_object),
      cmocka_unit_test(tiny_objects_share_a_slot),
      cmocka_unit_test(tiny_objects_are_aligned),
      cmocka_unit_test(not_every_object_is_freed),
      cmocka_unit_test(emptier_tiny_block_is_kept),
      cmocka_unit_test(current_tiny_block_outlives_the_cycle),
      cmocka_unit_test(large_object_appears_when_published),
      cmocka_unit_test(large_layouts),
      cmocka_unit_test(clobber_fills_what_is_freed),
      cmocka_unit_test(raw_objects),
      cmocka_unit_test(freed_objects_come_back_once),
      cmocka_unit_test(walker_sees_damage),
      cmocka_unit_test(spans_stay_with_their_shard),
      cmocka_unit_test(marked_free_slot_is_fatal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
