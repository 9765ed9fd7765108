/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_specials.c -- finalizers, cleanups and weak pointers beside marking [SP1]-[SP3]
 *
 * Each step at the moment when the collector could miss it.
 */
#include "gc/cycle_test.h"

static void weak_read_while_marking(void **state) {
  (void)state;
  void *o = object();
  mw_weak h = mw_weak_make(o);
  root[0] = h;
  start();
  assert_ptr_equal(mw_weak_get(h), o); /* the caller's stack is scanned already, say */
  finish();
  assert_true(lives(o));
  assert_ptr_equal(mw_weak_get(h), o);
}

static void weak_read_before_the_sweep(void **state) {
  (void)state;
  void *dead = object(), *alive = object();
  mw_weak to_dead = mw_weak_make(dead), to_alive = mw_weak_make(alive);
  root[0] = to_dead;
  root[1] = to_alive;
  root[2] = alive;
  start();
  finish();
  assert_null(mw_weak_get(to_dead)); /* its memory is there yet */
  assert_ptr_equal(mw_weak_get(to_alive), alive);
  assert_false(lives(dead));
  assert_null(mw_weak_get(to_dead));
  assert_ptr_equal(mw_weak_get(to_alive), alive);
}

/* Who reads marks while a span waits for its sweep has to see that the sweep has begun [H5]. */
static void claimed_span_says_so(void **state) {
  (void)state;
  mwi_spanclass c = mwi_class_untyped(32, false);
  root[0] = object();
  start();
  finish();
  uint32_t n;
  struct mwi_span *s = mwi_mcentral_take_unswept(0, c, MWI_LIST_FULL, 1, &n);
  if (!s) s = mwi_mcentral_take_unswept(0, c, MWI_LIST_PARTIAL, 1, &n);
  assert_non_null(s);
  assert_int_equal(n, 1);
  mwi_mcentral_begin_sweep(s);
  assert_int_equal(mwi_load_relaxed(&s->sweepgen), mwi_heap.sweepgen - 1);
  mwi_mcentral_put(0, s, mwi_sweep_keep(s) ? MWI_LIST_PARTIAL : MWI_LIST_FULL);
  assert_true(lives(root[0]));
}

static void on_due(void *obj, void *arg) {
  (void)obj, (void)arg;
}
static void on_clean(void *arg) {
  (void)arg;
}

/* The root job has passed, and so has the scan of the caller's stack; or the first is to come. */
static void **finalized, **reached;
static void *of_finalizer, *of_cleanup;
static void set_in_the_stop(void) {
  if (times-- <= 0) return;
  mw_set_finalizer(finalized, on_due, of_finalizer);
  mw_add_cleanup(finalized, on_clean, of_cleanup);
}
static void set_while_marking(void **state) {
  (void)state;
  for (int late = 0; late < 2; late++) {
    finalized = object();
    finalized[1] = reached = object();
    reached[1] = object();
    of_finalizer = object();
    of_cleanup = object();
    void *deep = reached[1];
    times = 1;
    start();
    if (late)
      in_stop = set_in_the_stop;
    else
      set_in_the_stop();
    finish();
    in_stop = NULL;
    assert_true(lives(finalized) && lives(reached) && lives(deep)); /* [SP1] */
    assert_true(lives(of_finalizer) && lives(of_cleanup));          /* [SP2] */
    struct mwi_due *d = mwi_due_take(true);
    assert_true(d && d->obj == finalized && d->arg == of_finalizer);
    mwi_due_free(d);
    start();
    finish();
    assert_false(lives(finalized));
    d = mwi_due_take(false);
    assert_true(d && d->arg == of_cleanup);
    mwi_due_free(d);
  }
}

/* What is due is a root, and who takes it while marking is on has it on a stack that was
 * scanned. */
static void due_while_marking(void **state) {
  (void)state;
  for (int taken = 0; taken < 2; taken++) {
    void **o[2] = {object(), object()};
    void *arg[2] = {object(), object()}, *inner[2] = {object(), object()};
    for (int i = 0; i < 2; i++) {
      o[i][1] = inner[i];
      mw_set_finalizer(o[i], on_due, arg[i]);
    }
    start();
    finish();
    heap_sweep_all(); /* both are due */
    start();
    struct mwi_due *d[2] = {NULL, NULL};
    if (taken) d[0] = mwi_due_take(true), d[1] = mwi_due_take(true);
    finish();
    for (int i = 0; i < 2; i++) assert_true(lives(o[i]) && lives(arg[i]) && lives(inner[i]));
    if (!taken) d[0] = mwi_due_take(true), d[1] = mwi_due_take(true);
    for (int i = 0; i < 2; i++) {
      assert_non_null(d[i]);
      mwi_due_free(d[i]);
    }
  }
}

/* Between batches others take away the record that the scan would go on with, and it is used
 * again, at once. */
enum { MANY = 1000 };
static void *many[MANY], *many_args[MANY], *sampled;
static int let_in;
static bool (*left)(int i);
static bool three_of_four(int i) {
  return i % 4 != 3;
}
static bool some_of_each_set(int i) { /* so the scan's chunk goes, and its set stays */
  return i % 64 == 0;
}
static bool those_scanned_last(int i) { /* its set goes as well */
  return i < 100;
}
static void taken_away(void) {
  if (let_in++) return;
  for (int i = 0; i < MANY; i++)
    if (!left(i)) mw_set_finalizer(many[i], NULL, NULL);
  for (int i = 0; i < MANY / 4; i++) mwi_special_sampled(sampled, NULL);
}
static void sample_is_freed(void *bucket) {
  (void)bucket;
}
/* A cycle in which others do that. */
static void let_in_between_batches(void (*others)(void)) {
  let_in = 0;
  start();
  between_batches = others;
  finish();
  between_batches = NULL;
  assert_true(let_in > 0);
}
/* What is due, which must live. */
static int take_all_due(void) {
  struct mwi_due *d;
  int n = 0;
  for (; (d = mwi_due_take(true)) != NULL; n++) {
    assert_true(lives(d->obj) && lives(d->arg));
    mwi_due_free(d);
  }
  return n;
}
static void taken_away_but(bool (*those)(int i)) {
  left = those;
  root[0] = sampled = object();
  for (int i = 0; i < MANY; i++) {
    many[i] = object();
    mw_set_finalizer(many[i], on_due, many_args[i] = object());
  }
  let_in_between_batches(taken_away);
  heap_sweep_all();
  int n = 0;
  for (int i = 0; i < MANY; i++) {
    if (!left(i)) continue;
    assert_true(lives(many[i]) && lives(many_args[i]));
    n++;
  }
  assert_int_equal(take_all_due(), n);
  root[0] = NULL;
  start();
  finish();
  heap_sweep_all();
}
static void taken_away_between_batches(void **state) {
  (void)state;
  void (*was)(void *) = mwi_sampled_freed;
  mwi_sampled_freed = sample_is_freed;
  taken_away_but(three_of_four);
  taken_away_but(some_of_each_set);
  taken_away_but(those_scanned_last);
  mwi_sampled_freed = was;
}

/* The same with calls that are due. */
static void taken_when_due(void) {
  if (let_in++) return;
  for (int i = 0; i < MANY / 2; i++) mwi_due_free(mwi_due_take(true));
}
static void due_taken_between_batches(void **state) {
  (void)state;
  for (int i = 0; i < MANY; i++) mw_set_finalizer(object(), on_due, object());
  start();
  finish();
  heap_sweep_all();
  let_in_between_batches(taken_when_due);
  assert_int_equal(take_all_due(), MANY - MANY / 2);
}

/* Everything asked for, taken back and due, in any order, beside what is expected. */
enum { OBJECTS = 300, ROUNDS = 40 };
struct expected {
  void *o; /* complemented; the objects are kept by `kept` alone */
  mw_weak weak;
  bool finalizer;
  int ncleanups;
  mw_cleanup last; /* of ncleanups; 0: none, or it was taken back */
};
static struct expected expected[OBJECTS];
static void **kept;
static long runs_of_cleanups, due_cleanups;

static void *hidden(const struct expected *x) {
  return (void *)~(uintptr_t)x->o;
}
static void ask(struct expected *x, struct rng *r) {
  void *o = hidden(x);
  switch (rng_below(r, 6)) {
  case 0:
    if (x->weak)
      assert_ptr_equal(mw_weak_make(o), x->weak);
    else
      x->weak = mw_weak_make(o);
    break;
  case 1:
    if (x->finalizer) break;
    mw_set_finalizer(o, on_due, NULL);
    x->finalizer = true;
    break;
  case 2:
    mw_set_finalizer(o, NULL, NULL);
    x->finalizer = false;
    break;
  case 3:
    if (!x->last.id) break;
    mw_cleanup_stop(x->last);
    mw_cleanup_stop(x->last); /* once more is nothing */
    x->ncleanups--;
    x->last = (mw_cleanup){0};
    break;
  default:
    x->last = mw_add_cleanup(o, on_clean, NULL);
    x->ncleanups++;
  }
}
/* Its weak pointer is cleared; with a finalizer it lives once more, and keeps its cleanups. */
static long let_go(struct expected *x) {
  x->weak = NULL;
  if (x->finalizer) return 1;
  due_cleanups += x->ncleanups;
  *x = (struct expected){0};
  return 0;
}
static void take_cleanups(void) {
  for (struct mwi_due *d; (d = mwi_due_take(false)) != NULL; mwi_due_free(d)) runs_of_cleanups++;
}
static void many_of_one_span(void **state) {
  (void)state;
  struct rng r = rng_start();
  size_t charged;
  mw_cleanup of_dead = {0};
  root[0] = kept = heap_alloc(mc, mwi_class_untyped(OBJECTS * sizeof *kept, false), &charged);
  runs_of_cleanups = due_cleanups = 0;
  take_cleanups();
  take_all_due();
  runs_of_cleanups = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < OBJECTS; i++) {
      struct expected *x = &expected[i];
      if (!x->o) x->o = (void *)~(uintptr_t)(kept[i] = object());
      if (rng_below(&r, 3) == 0) ask(x, &r);
    }
    mw_cleanup_stop(of_dead); /* its slot may be another object's: no harm */
    long due = 0;
    mw_weak weak[OBJECTS];
    bool gone[OBJECTS] = {false};
    for (int i = 0; i < OBJECTS; i++) {
      struct expected *x = &expected[i];
      weak[i] = x->weak;
      if (rng_below(&r, 3)) continue;
      kept[i] = NULL;
      gone[i] = true;
      if (!x->finalizer) of_dead = x->last;
    }
    start();
    finish();
    heap_sweep_all();
    for (int i = 0; i < OBJECTS; i++) {
      struct expected *x = &expected[i];
      if (weak[i]) {
        uintptr_t now = (uintptr_t)((struct { _Atomic(void *) p; } *)weak[i])->p;
        assert_int_equal(now, gone[i] ? 0 : (uintptr_t)hidden(x));
      }
      if (!gone[i]) continue;
      if (let_go(x)) {
        kept[i] = hidden(x); /* the finalizer brings it back */
        x->finalizer = false;
        due++;
      }
    }
    assert_int_equal(take_all_due(), due);
    take_cleanups();
    assert_int_equal(runs_of_cleanups, due_cleanups);
  }
  memset(expected, 0, sizeof expected);
  root[0] = NULL;
  start();
  finish();
  heap_sweep_all();
  take_all_due();
  take_cleanups();
  start();
  finish();
  heap_sweep_all();
  take_cleanups();
}

/* By the knob, at a cycle's end.  The last test: it leaves a stop and locks behind. */
static void a_finalizer_loses_something(void) {
  if (!mwi_work_any()) finalized[1] = late_child;
}
static void checkmark_finds_what_a_finalizer_needs(void **state) {
  (void)state;
  finalized = object();
  mw_set_finalizer(finalized, on_due, NULL);
  late_child = object();
  mwi_knobs.gccheckmark = 1;
  start();
  in_stop = a_finalizer_loses_something;
  EXPECT_FATAL("is not marked", finish());
}

int main(void) {
  cycle_start();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(weak_read_while_marking, reset),
      cmocka_unit_test_setup(weak_read_before_the_sweep, reset),
      cmocka_unit_test_setup(claimed_span_says_so, reset),
      cmocka_unit_test_setup(set_while_marking, reset),
      cmocka_unit_test_setup(due_while_marking, reset),
      cmocka_unit_test_setup(taken_away_between_batches, reset),
      cmocka_unit_test_setup(due_taken_between_batches, reset),
      cmocka_unit_test_setup(many_of_one_span, reset),
      cmocka_unit_test_setup(checkmark_finds_what_a_finalizer_needs, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
