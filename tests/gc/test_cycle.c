/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_cycle.c -- the two ends of a cycle, step by step [C1]-[C3]
 *
 * Over a heap on the fake operating system and a scheduler of one thread, made
 * of the hooks below.  What other threads can do in the short time before a stop
 * is done by `in_stop`, at the moment when the world has just stopped: an assist
 * begins, a store is recorded, external code changes an object.  A random
 * mutator meets those moments once in a day.
 */
#include "heap/heap_test.h"

#include "base/knobs.h"
#include "gc/barrier.h"
#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/pacer.h"
#include "gc/roots.h"
#include "gc/special.h"
#include "heap/mcentral.h"
#include "heap/sweep.h"

#include <mallow.h>

static struct mwi_mcache *mc, *other_mc;
static struct mwi_gcp w, other;
static int stops, flags_on;
static bool stopped;
static void (*in_stop)(void);
static void *root[8]; /* scanned by the one root job */

/* ---- The scheduler -------------------------------------------------------- */

static void nothing(void) {}
static bool no(void) {
  return false;
}
static void (*between_batches)(void); /* the scan of the specials lets others in */
static bool scans_specials;
static bool polled(void) {
  if (between_batches && scans_specials) between_batches();
  return false;
}
static uint32_t none(void) {
  return 0;
}
static uint32_t one(void) {
  return 1;
}
static uint32_t two(void) {
  return 2;
}
static int64_t scanned_before, most_in_a_stop;
static int64_t scanned(void) {
  return (int64_t)(mwi_load_relaxed(&mwi_gc.scan_done) + w.scan_work);
}
static void stop_world(void) {
  assert_false(stopped);
  scanned_before = scanned();
  stopped = true;
  stops++;
  if (in_stop) in_stop();
}
static void start_world(void) {
  assert_true(stopped);
  stopped = false;
  int64_t n = scanned() - scanned_before;
  if (n > most_in_a_stop) most_in_a_stop = n;
}
static void set_wb(bool on) {
  assert_true(stopped); /* [C1] */
  assert_int_equal(on, mwi_gc_wb_state());
  mwi_tcb()->wb = on;
  flags_on += on;
}
static void each_p(void (*fn)(struct mwi_gcp *, struct mwi_mcache *)) {
  assert_true(stopped);
  fn(&w, mc);
  fn(&other, other_mc);
}
static void with_w(struct mwi_gcp *unused) {
  (void)unused;
}
static void *of_thread; /* a thread-local */
static void thread_roots(struct mwi_gcp *into) {
  mwi_scan_conservative(into, (uintptr_t)&of_thread, (uintptr_t)(&of_thread + 1), false);
}
static void flush_all(struct mwi_gcp *unused) {
  (void)unused;
  assert_true(stopped);
  mwi_wb_flush(&w);
  mwi_work_publish(&w);
  mwi_wb_flush(&other);
  mwi_work_publish(&other);
}
static void ragged(void (*fn)(struct mwi_gcp *)) {
  fn(&w);
  fn(&other);
}
static void run_job(uint32_t i, struct mwi_gcp *into) {
  if (i == 0) mwi_scan_conservative(into, (uintptr_t)root, (uintptr_t)(root + 8), false);
  if (i == 1) {
    scans_specials = true;
    mwi_specials_scan(into);
    scans_specials = false;
  }
  while (i == 1 && mwi_roots_scan_piece(into)) {
  }
}
static void prepare_roots(void) {
  mwi_roots_begin_stw();
}

static void *object(void) {
  size_t charged;
  return heap_alloc(mc, mwi_class_untyped(32, false), &charged);
}

/* Marks until the cycle ends. */
static int finish(void) {
  int turns = 0;
  uint32_t cycle = mwi_gc_stats.ncycles;
  while (mwi_gc_stats.ncycles == cycle) {
    mwi_gc_run_idle(0);
    assert_true(++turns < 200);
  }
  assert_false(stopped);
  return turns;
}

static void start(void) {
  mwi_gc_start(MWI_GC_FORCED);
  assert_true(mwi_gc_wb_state() && mwi_tcb()->wb && mwi_heap.black_alloc);
}

static bool lives(void *p) {
  heap_sweep_all();
  return mwi_object_of((uintptr_t)p, NULL, NULL) == (uintptr_t)p;
}

static int reset(void **state) {
  (void)state;
  in_stop = NULL;
  memset(root, 0, sizeof root);
  return 0;
}

/* ---- A whole cycle -------------------------------------------------------- */

static void reachable_is_kept(void **state) {
  (void)state;
  void **a = object(), **b = object(), **lost = object();
  root[0] = a;
  a[3] = b;
  lost[0] = a;
  start();
  void *born = object();
  assert_true(heap_marked(born)); /* [H6] */
  finish();
  assert_true(!mwi_gc_wb_state() && !mwi_tcb()->wb && !mwi_heap.black_alloc);
  assert_true(lives(a) && lives(b) && lives(born));
  assert_false(lives(lost));
}

static void all_is_swept_here(void) {
  assert_true(mwi_sweep_done());
}
static void swept_before_the_next(void **state) {
  (void)state;
  for (int i = 0; i < 2000; i++) object();
  start();
  finish();
  assert_false(mwi_sweep_done());
  in_stop = all_is_swept_here;
  start();
  in_stop = NULL;
  finish();
}

/* ---- Who allocates, marks ------------------------------------------------------- */

/* Without a worker, who allocates does all of the marking, and so much at a time that it is done
 * before the heap has reached its goal: at each step no less than the part of the room that
 * is used up, but for the last that was paid for. */
enum { LIST = 200000, PAID_AHEAD = 3 * 65536 /* bytes of scanning: an assist, and roots */ };
static void who_allocates_marks(void **state) {
  (void)state;
  void **list = NULL;
  int percent = mw_set_gc_percent(100);
  for (int i = 0; i < LIST; i++) {
    void **o = object();
    o[0] = list;
    root[0] = list = o;
  }
  for (int i = 0; i < 2; i++) { /* the pacer knows this heap then */
    start();
    finish();
    heap_sweep_all();
  }
  for (int turn = 0; turn < 3; turn++) {
    start();
    uint32_t cycle = mwi_gc_stats.ncycles;
    double before = (double)mwi_load_relaxed(&mwi_heap_live), goal = (double)mwi_pacer.goal;
    double expected = (double)mwi_pacer.heap_scanned;
    assert_true(expected > LIST * 16 && goal - before > LIST * 16);
    while (mwi_gc_stats.ncycles == cycle) {
      size_t charged;
      heap_alloc(mc, mwi_class_untyped(32, false), &charged);
      if (!charged) continue;
      mwi_pacer_charge(charged);
      double live = (double)mwi_load_relaxed(&mwi_heap_live);
      double used = (live - before) / (goal - before);
      if (mwi_gc_stats.ncycles != cycle) break;
      assert_true(live < goal);
      assert_true((double)scanned() + PAID_AHEAD > expected * used);
    }
    heap_sweep_all();
    assert_true(lives(list));
  }
  mw_set_gc_percent(percent);
}

/* ---- Not too early [C2] --------------------------------------------------- */

static void not_before_the_roots(void **state) {
  (void)state;
  start();
  assert_false(mwi_gc_try_finish());
  mwi_store_relaxed(&mwi_gc.next_job, 2); /* claimed by somebody, not done */
  assert_false(mwi_gc_try_finish());
  mwi_store_relaxed(&mwi_gc.next_job, 0);
  finish();
}

static void not_beside_somebody_active(void **state) {
  (void)state;
  start();
  mwi_store_seqcst(&mwi_gc.nactive, 1); /* a worker elsewhere: its ring is not seen here */
  for (int i = 0; i < 3; i++) mwi_gc_run_idle(0);
  assert_true(mwi_gc_wb_state());
  mwi_store_seqcst(&mwi_gc.nactive, 0);
  finish();
}

static void **late_parent, *late_child;
static int times;

static void somebody_begins_to_assist(void) {
  if (times-- <= 0) return;
  mwi_store_seqcst(&mwi_gc.nactive, 1); /* stopped with work in its ring */
}
static void not_when_an_assist_begins_in_the_stop(void **state) {
  (void)state;
  start();
  times = 1;
  in_stop = somebody_begins_to_assist;
  for (int i = 0; i < 3; i++) mwi_gc_run_idle(0);
  assert_true(mwi_gc_wb_state());
  mwi_store_seqcst(&mwi_gc.nactive, 0);
  finish();
}

/* The other processor has recorded a word since it was flushed. */
static void a_store_is_recorded(void) {
  if (times-- <= 0) return;
  other.wb[other.nwb++] = (uintptr_t)late_parent;
}
static void found_in_a_buffer(void **state) {
  (void)state;
  late_parent = object();
  late_parent[1] = late_child = object();
  start();
  times = 1;
  in_stop = a_store_is_recorded;
  finish();
  assert_true(lives(late_parent) && lives(late_child));
}

/* The same each time: the end comes nevertheless, and nothing is lost. */
static void *late_list[100];
static int nlate;
static void another_store_is_recorded(void) {
  other.wb[other.nwb++] = (uintptr_t)late_list[nlate < 100 ? nlate++ : 99];
}
static void there_is_a_last_time(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    void **p = late_list[i] = object();
    for (int k = 0; k < 50; k++, p = p[2]) p[2] = object();
  }
  start();
  nlate = 0;
  in_stop = another_store_is_recorded;
  int before = stops;
  finish();
  assert_in_range(stops - before, 3, 20);
  assert_in_range(nlate, 3, 20);
  for (int i = 0; i < nlate; i++) {
    void **p = late_list[i];
    for (int k = 0; k < 50; k++, p = p[2]) assert_true(lives(p));
  }
}

/* Two short ones, and then a chain of 640 KB that only the buffer knows: not all of it is
 * marked in the stop that finds it. */
static void a_long_chain_is_recorded(void) {
  if (nlate < 3) other.wb[other.nwb++] = (uintptr_t)late_list[nlate++];
}
static void no_long_stop(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) late_list[i] = object();
  void **p = late_list[2];
  for (int i = 0; i < 20000; i++, p = p[2]) p[2] = object();
  start();
  nlate = 0;
  most_in_a_stop = 0;
  in_stop = a_long_chain_is_recorded;
  finish();
  assert_int_equal(nlate, 3);
  assert_in_range(most_in_a_stop, 1, 2 * MWI_DRAIN_CHECK);
  for (p = late_list[2]; p; p = p[2]) assert_true(lives(p));
}

static void external_code_inserts(void) {
  if (times-- > 0) late_parent[2] = late_child; /* no barrier */
}
static void given_to_external_code(void **state) {
  (void)state;
  root[0] = late_parent = object();
  late_child = object();
  start();
  mwi_ext_remember((uintptr_t)late_parent, (uintptr_t)(late_parent + 4));
  times = 1;
  in_stop = external_code_inserts;
  finish();
  assert_true(lives(late_child));
}

/* More of it than the stop has time for is looked at just before: nothing of what was
 * there then is lost. */
static void a_lot_given_to_external_code(void **state) {
  (void)state;
  enum { N = 20000 };
  static void **given[N], *inserted[N];
  for (int i = 0; i < N; i++) inserted[i] = object();
  start();
  for (int i = 0; i < N; i++) {
    given[i] = object(); /* black: nobody else scans it */
    mwi_ext_remember((uintptr_t)given[i], (uintptr_t)(given[i] + 4));
    mwi_ext_remember((uintptr_t)given[i], (uintptr_t)(given[i] + 4));
    given[i][3] = inserted[i];
  }
  finish();
  for (int i = 0; i < N; i++) assert_true(lives(inserted[i]));
}

/* ---- Modules ---------------------------------------------------------------- */

MWI_EXPORT void mwi_rt_module_add(struct mwi_module *m);
MWI_EXPORT void mwi_rt_module_remove(struct mwi_module *m);

/* A library's global holds the only pointer, somebody has just read it, and the library is
 * closed: before its turn to be scanned, in the middle of the scan, and after it. */
static void *of_library[2][5000];
static struct mwi_global library_globals[2][2] = {
    {{.addr = &of_library[0][0], .size = sizeof(void *)},
     {.addr = &of_library[0][1], .size = sizeof of_library[0] - sizeof(void *)}},
    {{.addr = &of_library[1][0], .size = sizeof(void *)},
     {.addr = &of_library[1][1], .size = sizeof of_library[1] - sizeof(void *)}}};
static struct mwi_module library[2] = {
    {.abi = MWI_ABI_VERSION, .globals = library_globals[0], .nglobals = 2},
    {.abi = MWI_ABI_VERSION, .globals = library_globals[1], .nglobals = 2}};

static void closed_while_marking(void **state) {
  (void)state;
  for (int pieces = 0; pieces < 4; pieces++)
    for (int which = 0; which < 2; which++) {
      for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 5000; i++) of_library[k][i] = i % 1000 == 0 ? object() : NULL;
        mwi_rt_module_add(&library[k]);
      }
      start();
      for (int i = 0; i < pieces; i++) mwi_roots_scan_piece(&w);
      mwi_rt_module_remove(&library[which]);
      static void *were_there[5000];
      memcpy(were_there, of_library[which], sizeof were_there);
      struct mwi_module was = library[which];
      memset(of_library[which], 0, sizeof of_library[which]); /* unmapped, all of it */
      memset(&library[which], 0, sizeof library[which]);
      finish();
      library[which] = was;
      for (int i = 0; i < 5000; i += 1000)
        assert_true(lives(were_there[i]) && lives(of_library[!which][i]));
      mwi_rt_module_remove(&library[!which]);
    }
}

/* Globals whose size is no whole number of words, before one that is scanned in pieces. */
static void odd_sizes(void **state) {
  (void)state;
  enum { N = 20000 };
  static struct __attribute__((packed, aligned(8))) {
    struct __attribute__((packed)) {
      void *p;
      char c;
    } in;
  } odd[7];
  static void *many[N];
  static uint64_t mask = 1; /* one of two */
  struct mwi_global globals[8];
  for (int i = 0; i < 7; i++) globals[i] = (struct mwi_global){.addr = &odd[i], .size = 9};
  for (int masked = 0; masked < 2; masked++) {
    globals[7] = (struct mwi_global){.addr = many, .size = sizeof many};
    if (masked) globals[7].mask = &mask, globals[7].period = 2;
    for (int n = 1; n <= 7; n++) {
      globals[7 - n].addr = &odd[n - 1];
      struct mwi_module m = {
          .abi = MWI_ABI_VERSION, .globals = globals + 7 - n, .nglobals = (uint32_t)n + 1};
      for (int i = 0; i < n; i++) odd[i].in.p = object();
      for (int i = 0; i < N; i += 2) many[i] = object();
      mwi_rt_module_add(&m);
      start();
      finish();
      for (int i = 0; i < n; i++) assert_true(lives(odd[i].in.p));
      for (int i = 0; i < N; i += 2) assert_true(lives(many[i]));
      mwi_rt_module_remove(&m);
    }
  }
}

/* The root that the scan is in goes away; those behind it have their turn. */
static void root_removed_while_marking(void **state) {
  (void)state;
  enum { N = 10000 }; /* three pieces */
  static void *first[N], *second[N];
  for (int pieces = 0; pieces < 5; pieces++) {
    for (int i = 0; i < N; i++) first[i] = second[i] = NULL;
    for (int i = 0; i < N; i += 1000) {
      first[i] = object();
      second[i] = object();
    }
    mw_root_add(second, sizeof second);
    mw_root_add(first, sizeof first); /* the newest is scanned first */
    start();
    for (int i = 0; i < pieces; i++) mwi_roots_scan_piece(&w);
    mw_root_remove(first);
    finish();
    for (int i = 0; i < N; i += 1000) assert_true(lives(first[i]) && lives(second[i]));
    mw_root_remove(second);
  }
}

/* ---- gccheckmark ---------------------------------------------------------------- */

/* In the last stop, all is marked; then a pointer to a white object appears at `where`. */
static void **where;
static int reports;
static void something_is_lost(void) {
  if (mwi_work_any() || reports) return;
  uint32_t rt = (uint32_t)mwi_tcb()->rt;
  *where = late_child;
  EXPECT_FATAL("is not marked", mwi_checkmark_stw());
  reports++;
  *where = NULL;
  mwi_checking = 0;
  mwi_tcb()->rt = (int32_t)rt;
  mwi_store_relaxed(&mwi_roots_lock.state, 0);
  mwi_lock_rank_forget(mwi_tcb());
  mwi_checkmark_stw(); /* nothing else is wrong */
}
static void checkmark_finds_what_is_lost(void **state) {
  (void)state;
  static void *global;
  static struct mwi_global globals[] = {{.addr = &global, .size = sizeof global}};
  static struct mwi_module m = {.abi = MWI_ABI_VERSION, .globals = globals, .nglobals = 1};
  static void *added[2];
  mwi_rt_module_add(&m);
  mw_root_add(added, sizeof added);
  void **holder = object(), **black = NULL;
  root[0] = holder;
  holder[0] = black = object();
  void **const places[] = {&black[1], &global, &added[1], &of_thread};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    late_child = object();
    where = places[i];
    reports = 0;
    start();
    in_stop = something_is_lost;
    finish();
    in_stop = NULL;
    assert_int_equal(reports, 1);
    assert_false(lives(late_child));
  }
  mw_root_remove(added);
  mwi_rt_module_remove(&m);
}

/* ---- Finalizers, cleanups, weak pointers --------------------------------------- */

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
  struct mwi_span *s = mwi_mcentral_take_unswept(c, MWI_LIST_FULL);
  if (!s) s = mwi_mcentral_take_unswept(c, MWI_LIST_PARTIAL);
  assert_non_null(s);
  assert_int_equal(mwi_load_relaxed(&s->sweepgen), mwi_heap.sweepgen - 1);
  mwi_mcentral_put(s, mwi_sweep_keep(s) ? MWI_LIST_PARTIAL : MWI_LIST_FULL);
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
    assert_true(lives(finalized) && lives(reached) && lives(deep)); /* [X1] */
    assert_true(lives(of_finalizer) && lives(of_cleanup));          /* [X2] */
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
static void taken_away(void) {
  if (let_in++) return;
  for (int i = 0; i < MANY; i++)
    if (i % 4 == 3) mw_set_finalizer(many[i], NULL, NULL);
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
static void taken_away_between_batches(void **state) {
  (void)state;
  void (*was)(void *) = mwi_sampled_freed;
  mwi_sampled_freed = sample_is_freed;
  root[0] = sampled = object();
  for (int i = 0; i < MANY; i++) {
    many[i] = object();
    mw_set_finalizer(many[i], on_due, many_args[i] = object());
  }
  let_in_between_batches(taken_away);
  assert_true(let_in > 1);
  heap_sweep_all();
  for (int i = 0; i < MANY; i++)
    if (i % 4 != 3) assert_true(lives(many[i]) && lives(many_args[i]));
  assert_int_equal(take_all_due(), MANY * 3 / 4);
  root[0] = NULL;
  start();
  finish();
  heap_sweep_all();
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

/* ---- The runtime's own moves ---------------------------------------------------- */

static void moved_by_realloc(void **state) {
  (void)state;
  void **small = object(), *inner = object();
  small[1] = inner;
  start();
  void **bigger = mw_realloc(small, 4096); /* small is let go */
  finish();
  assert_true(lives(bigger) && bigger[1] == inner && lives(inner));
}

/* An array is scanned in pieces; what is behind the first when that is scanned is in front of it
 * when the rest is. */
enum { SORTED = 40000 };
static int comparisons, scan_after;
static int by_content(const void *a, const void *b) {
  if (++comparisons == scan_after) {
    assert_in_range(mwi_drain(&w, 1, NULL), 1, SORTED * sizeof(void *) / 2);
  }
  uintptr_t x = **(uintptr_t *const *)a, y = **(uintptr_t *const *)b;
  return x < y ? -1 : x > y;
}
void mwi_rt_qsort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *));

static void sorted_while_marking(void **state) {
  (void)state;
  static uintptr_t **copy;
  copy = calloc(SORTED, sizeof *copy);
  for (scan_after = 1; scan_after < 500000; scan_after += 100000) {
    bool needzero;
    struct mwi_span *s = mwi_large_alloc(mc, SORTED * sizeof(void *), NULL, &needzero);
    mwi_large_publish(s);
    uintptr_t **array = (uintptr_t **)s->base;
    for (int i = 0; i < SORTED; i++) {
      copy[i] = array[i] = object();
      *array[i] = (uintptr_t)(SORTED - i);
    }
    root[0] = array;
    start();
    run_job(0, &w);
    w.credit = INT64_MAX / 2; /* the sort's allocation does not assist */
    comparisons = 0;
    mwi_rt_qsort(array, SORTED, sizeof *array, by_content);
    assert_true(comparisons > scan_after || scan_after > 300000);
    finish();
    heap_sweep_all();
    for (int i = 0; i < SORTED; i++) {
      assert_int_equal(*array[i], i + 1);
      assert_true(mwi_object_of((uintptr_t)copy[i], NULL, NULL) == (uintptr_t)copy[i]);
    }
  }
  free(copy);
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

/* ---- One at a time [C3] --------------------------------------------------- */

static void one_start_one_finish(void **state) {
  (void)state;
  mwi_store_relaxed(&mwi_gc.starting, 1);
  mwi_gc_start(MWI_GC_FORCED);
  assert_false(mwi_gc_wb_state());
  mwi_store_relaxed(&mwi_gc.starting, 0);
  start();
  uint32_t cycle = mwi_gc_stats.ncycles;
  mwi_gc_start(MWI_GC_FORCED); /* one is under way */
  mwi_store_relaxed(&mwi_gc.finishing, 1);
  for (int i = 0; i < 5; i++) mwi_gc_run_idle(0);
  assert_int_equal(mwi_gc_stats.ncycles, cycle);
  mwi_store_relaxed(&mwi_gc.finishing, 0);
  finish();
  assert_int_equal(mwi_gc_stats.ncycles, cycle + 1);
}

int main(void) {
  heap_start(4 * MWI_GB);
  mc = mwi_mcache_new();
  other_mc = mwi_mcache_new();
  static char processor[64];
  mwi_tcb()->mcache = mc;
  mwi_tcb()->gcp = &w;
  mwi_tcb()->p = (struct mwi_p *)processor;
  mwi_gc_hooks = (struct mwi_gc_hooks){
      .need_p = nothing,
      .stop_world = stop_world,
      .start_world = start_world,
      .set_wb_stw = set_wb,
      .each_p_stw = each_p,
      .prepare_roots_stw = prepare_roots,
      .scan_thread_roots_stw = thread_roots,
      .flush_all_stw = flush_all,
      .rescan_external_stw = with_w,
      .njobs = two,
      .run_job = run_job,
      .each_p_ragged = ragged,
      .nprocs = one,
      .idle_procs = none,
      .wake = nothing,
      .worker_poll = polled,
      .other_work = no,
      .yield = nothing,
  };
  mwi_knobs.gomemlimit = INT64_MAX;
  mwi_gc_init();
  mwi_special_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(reachable_is_kept, reset),
      cmocka_unit_test_setup(swept_before_the_next, reset),
      cmocka_unit_test_setup(who_allocates_marks, reset),
      cmocka_unit_test_setup(not_before_the_roots, reset),
      cmocka_unit_test_setup(not_beside_somebody_active, reset),
      cmocka_unit_test_setup(not_when_an_assist_begins_in_the_stop, reset),
      cmocka_unit_test_setup(found_in_a_buffer, reset),
      cmocka_unit_test_setup(there_is_a_last_time, reset),
      cmocka_unit_test_setup(no_long_stop, reset),
      cmocka_unit_test_setup(given_to_external_code, reset),
      cmocka_unit_test_setup(a_lot_given_to_external_code, reset),
      cmocka_unit_test_setup(closed_while_marking, reset),
      cmocka_unit_test_setup(odd_sizes, reset),
      cmocka_unit_test_setup(root_removed_while_marking, reset),
      cmocka_unit_test_setup(checkmark_finds_what_is_lost, reset),
      cmocka_unit_test_setup(weak_read_while_marking, reset),
      cmocka_unit_test_setup(weak_read_before_the_sweep, reset),
      cmocka_unit_test_setup(claimed_span_says_so, reset),
      cmocka_unit_test_setup(set_while_marking, reset),
      cmocka_unit_test_setup(due_while_marking, reset),
      cmocka_unit_test_setup(taken_away_between_batches, reset),
      cmocka_unit_test_setup(due_taken_between_batches, reset),
      cmocka_unit_test_setup(moved_by_realloc, reset),
      cmocka_unit_test_setup(sorted_while_marking, reset),
      cmocka_unit_test_setup(one_start_one_finish, reset),
      cmocka_unit_test_setup(checkmark_finds_what_a_finalizer_needs, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
