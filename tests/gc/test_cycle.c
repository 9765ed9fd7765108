/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_cycle.c -- the two ends of a cycle, step by step [C1]-[C3]
 *
 * And what each has to see: words that were just recorded, what external code was given, modules
 * that come and go, objects that the runtime moves.
 */
#include "gc/cycle_test.h"

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
    double before = (double)mwi_load_relaxed(&mwi_heap_live.bytes), goal = (double)mwi_pacer.goal;
    double expected = (double)mwi_pacer.heap_scanned;
    assert_true(expected > LIST * 16 && goal - before > LIST * 16);
    while (mwi_gc_stats.ncycles == cycle) {
      size_t charged;
      heap_alloc(mc, mwi_class_untyped(32, false), &charged);
      if (!charged) continue;
      mwi_pacer_charge(charged);
      double live = (double)mwi_load_relaxed(&mwi_heap_live.bytes);
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

/* ---- Who asks for memory at the limit [ML1] ------------------------------------ */

static void what_is_asked_for_adds_up(void **state) {
  (void)state;
  struct mwi_pacer was = mwi_pacer;
  const size_t most = 700 * MWI_MB; /* twice that is too much */
  mwi_pacer.limit = 1;              /* there is one */
  mwi_pacer.cap = mwi_memory_ready() + MWI_GB;
  assert_true(mwi_heap_hooks.ask(most));
  for (int i = 0; i < 100; i++) assert_false(mwi_heap_hooks.ask(most)); /* and leaves nothing */
  mwi_heap_hooks.told(most);
  assert_true(mwi_heap_hooks.ask(most));
  mwi_heap_hooks.told(most);
  mwi_pacer = was;
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

/* The second minute is over when a cycle has ended meanwhile: none is begun for it. */
static void periodic_where_it_is_due(void **state) {
  (void)state;
  start();
  finish();
  heap_sweep_all();
  mwi_gc_start(MWI_GC_PERIODIC);
  assert_false(mwi_gc_wb_state());
  mwi_store_relaxed(&mwi_gc.last_ns, mwi_os_monotonic() - INT64_C(121000000000));
  mwi_gc_start(MWI_GC_PERIODIC);
  assert_true(mwi_gc_wb_state());
  finish();
}

/* Whoever waits while another begins a cycle goes on when that has been seen to, be it that none
 * has begun. */
static void *parked, *readied;
static void *goroutine(void) {
  return &parked;
}
static void park(struct mwi_lock *lock, bool assist) {
  assert_false(assist);
  parked = goroutine();
  mwi_unlock(lock);
  mwi_gc_allow(); /* the other one */
}
static void ready(void *g) {
  readied = g;
}
static void a_start_that_is_over_is_told(void **state) {
  (void)state;
  struct mwi_gc_hooks hooks = mwi_gc_hooks;
  mwi_gc_hooks.current = goroutine;
  mwi_gc_hooks.park_unlock = park;
  mwi_gc_hooks.ready = ready;
  parked = readied = NULL;
  mwi_gc_exclude(); /* nobody else starts */
  mwi_gc_wait_started();
  assert_true(parked && readied == parked);
  parked = NULL;
  mwi_gc_wait_started(); /* there is nobody to wait for */
  assert_null(parked);
  mwi_gc_hooks = hooks;
}

int main(void) {
  cycle_start();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(reachable_is_kept, reset),
      cmocka_unit_test_setup(swept_before_the_next, reset),
      cmocka_unit_test_setup(who_allocates_marks, reset),
      cmocka_unit_test_setup(what_is_asked_for_adds_up, reset),
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
      cmocka_unit_test_setup(moved_by_realloc, reset),
      cmocka_unit_test_setup(sorted_while_marking, reset),
      cmocka_unit_test_setup(one_start_one_finish, reset),
      cmocka_unit_test_setup(periodic_where_it_is_due, reset),
      cmocka_unit_test_setup(a_start_that_is_over_is_told, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
