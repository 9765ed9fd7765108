/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_cycles.c -- allocation and sweeping over many cycles,
 * against a shadow model
 *
 * The model knows every object: its bytes are filled with a pattern of its
 * own.  Marking is simulated by setting the marks of what the model keeps.
 * Checked at each step: memory handed out is zero [H2] and belongs to nobody;
 * patterns stay; exactly the unmarked objects are freed (by the totals); what
 * was allocated while marking survives [H6]; the walker agrees.
 */
#include "heap/class.h"
#include "heap/heap_test.h"

#define NCACHES 3
#define MAX_OBJECTS 60000
static struct mwi_mcache *mc[NCACHES];
static struct mwi_layout layouts[8];
static uint64_t masks[8][8];

struct object {
  uint8_t *p;
  size_t bytes;
  bool marked; /* survives the cycle in progress */
};
static struct object live[MAX_OBJECTS];
static size_t nlive;
static size_t floating; /* dropped, but kept by a mark */
static bool marking;

static uint8_t pattern(const struct object *o, size_t i) {
  return (uint8_t)(((uintptr_t)o->p >> 3) * 37 + i * 11 + o->bytes) | 1;
}

static void fill(const struct object *o) {
  for (size_t i = 0; i < o->bytes; i++) {
    if (o->p[i]) fail_msg("%p + %zu of %zu is not zero", (void *)o->p, i, o->bytes);
    o->p[i] = pattern(o, i);
  }
}

static void verify(const struct object *o) {
  for (size_t i = 0; i < o->bytes; i++)
    if (o->p[i] != pattern(o, i)) fail_msg("%p + %zu has changed", (void *)o->p, i);
}

static void make_layouts(struct rng *r) {
  for (int i = 0; i < 8; i++) {
    for (int w = 0; w < 8; w++) masks[i][w] = rng_next(r) & rng_next(r);
    size_t words = i < 6 ? 2 + (size_t)i * 3 : 100 + (size_t)i;
    layouts[i] = (struct mwi_layout){
        .size = words * 8, .align = 8, .period = (uint32_t)words, .mask = masks[i]};
  }
}

static void allocate(struct rng *r) {
  if (nlive == MAX_OBJECTS) return;
  struct object *o = &live[nlive];
  struct mwi_mcache *m = mc[rng_below(r, NCACHES)];
  size_t charged;
  *o = (struct object){.marked = marking};
  size_t kind = rng_below(r, 400);
  if (kind < 2) {
    bool needzero;
    o->bytes = MWI_MAX_SMALL + 1 + rng_below(r, 200000);
    struct mwi_span *s = mwi_large_alloc(m, o->bytes, &layouts[rng_below(r, 8)], &needzero);
    assert_non_null(s);
    o->p = (uint8_t *)s->base;
    if (needzero) memset(o->p, 0, s->slot);
    mwi_large_publish(s);
  } else if (kind < 8) {
    o->bytes = 1 + rng_below(r, MWI_MAX_SMALL);
    o->p = heap_alloc(m, mwi_class_untyped(o->bytes, rng_below(r, 2)), &charged);
  } else if (kind < 200) {
    struct mwi_layout *l = &layouts[rng_below(r, 8)];
    o->bytes = l->size * (1 + rng_below(r, 3));
    o->p = heap_alloc(m, mwi_class_for(o->bytes, l), &charged);
  } else {
    o->bytes = 1 + rng_below(r, 200);
    o->p = heap_alloc(m, mwi_class_untyped(o->bytes, rng_below(r, 2)), &charged);
  }
  assert_non_null(o->p);
  size_t size = 0;
  assert_ptr_equal((void *)mwi_object_of((uintptr_t)o->p + o->bytes - 1, &size, NULL), o->p);
  assert_true(size >= o->bytes);
  if (marking) assert_true(heap_marked(o->p));
  fill(o);
  nlive++;
}

static void drop_one(struct rng *r) {
  if (!nlive) return;
  struct object *o = &live[rng_below(r, nlive)];
  verify(o);
  floating += o->marked;
  *o = live[--nlive];
}

static void mutate(struct rng *r, size_t steps, size_t target) {
  for (size_t i = 0; i < steps; i++) {
    if (rng_below(r, target * 2) >= nlive)
      allocate(r);
    else
      drop_one(r);
  }
}

static struct mwi_heap_totals totals(void) {
  struct mwi_heap_totals t;
  mwi_heap_totals_stw(&t, mc, NCACHES);
  return t;
}

static void cycles(void **state) {
  (void)state;
  struct rng r = rng_start();
  make_layouts(&r);
  for (int cycle = 0; cycle < 30; cycle++) {
    size_t target = cycle % 10 < 5 ? 8000 : 800;
    mwi_heap_hooks.clobber_free = cycle % 3 == 2;
    mutate(&r, 6000, target);
    /* sweep termination */
    heap_sweep_all();
    assert_true(mwi_sweep_done());
    struct mwi_heap_totals t = totals();
    assert_true(t.alloc_objects - t.freed_objects >= nlive);
    mwi_heap_check_stw();
    /* mark start */
    for (int i = 0; i < NCACHES; i++) mwi_mcache_start_black_stw(mc[i]);
    marking = true;
    for (size_t i = 0; i < nlive; i++) live[i].marked = false;
    mwi_heap_check_stw();
    /* marking, the program goes on; what it drops may be marked already or not */
    for (size_t done = 0; done < nlive;) {
      size_t stop = done + 500 < nlive ? done + 500 : nlive;
      for (; done < stop; done++) {
        heap_mark(live[done].p + rng_below(&r, live[done].bytes));
        live[done].marked = true;
      }
      for (int i = 0; i < 50; i++) allocate(&r);
      for (int i = 0; i < 20 && nlive;
           i++) { /* only marked ones: a snapshot collector keeps those */
        size_t k = rng_below(&r, nlive);
        if (!live[k].marked) continue;
        verify(&live[k]);
        floating++;
        live[k] = live[--nlive];
        if (k < nlive && !live[k].marked) { /* the moved one keeps its turn */
          heap_mark(live[k].p);
          live[k].marked = true;
        }
      }
      if (done > nlive) done = nlive;
    }
    for (size_t i = 0; i < nlive; i++) assert_true(heap_marked(live[i].p));
    mwi_heap_check_stw();
    /* mark termination */
    size_t spans = heap_end_marking(mc, NCACHES);
    assert_true(cycle == 0 || spans > 0);
    marking = false;
    mwi_heap_check_stw();
    size_t survivors = nlive + floating;
    floating = 0;
    for (size_t i = 0; i < nlive; i++) live[i].marked = false;
    if (cycle % 4 == 3) { /* sweep everything first: the totals must be exact */
      heap_sweep_all();
      t = totals();
      assert_int_equal(t.alloc_objects - t.freed_objects, survivors);
    } else { /* or while allocating */
      for (int i = 0; i < 100; i++) {
        mwi_sweep_some();
        mutate(&r, 20, target);
      }
      mwi_heap_check_stw();
    }
    if (cycle % 7 == 0) mwi_heap_scavenge(4 * MWI_MB);
  }
  for (size_t i = 0; i < nlive; i++) verify(&live[i]);
}

static void empty_heap_gives_everything_back(void **state) {
  (void)state;
  heap_sweep_all();
  nlive = 0;
  for (int i = 0; i < NCACHES; i++) mwi_mcache_start_black_stw(mc[i]);
  heap_end_marking(mc, NCACHES);
  heap_sweep_all();
  assert_true(mwi_sweep_done());
  assert_int_equal(mwi_heap.inuse_pages, 0);
  struct mwi_heap_totals t = totals();
  assert_int_equal(t.alloc_objects, t.freed_objects);
  assert_int_equal(t.alloc_bytes, t.freed_bytes);
  mwi_heap_scavenge(SIZE_MAX);
  assert_int_equal(mwi_heap.released, mwi_heap.committed);
  mwi_heap_check_stw();
}

int main(void) {
  heap_start(4 * MWI_GB);
  for (int i = 0; i < NCACHES; i++) mc[i] = mwi_mcache_new();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cycles),
      cmocka_unit_test(empty_heap_gives_everything_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
