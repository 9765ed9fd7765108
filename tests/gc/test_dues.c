/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_dues.c -- who pays, waits and sweeps, decision by decision
 *
 * [B1] and [ML1] to [ML4], with a collector of one thread (cycle_test.h): each state is made by
 * hand, so nothing here depends on time.
 */
#include "gc/cycle_test.h"

/* ---- Parking ------------------------------------------------------------------ */

static int parked, woken;
static void (*while_parked)(void);
static void *somebody(void) {
  return &w;
}
static void park(struct mwi_lock *l, bool assist) {
  (void)assist;
  mwi_unlock(l);
  parked++;
  assert_in_range(parked, 1, 20); /* in vain */
  if (while_parked) while_parked();
}
static void wakes(void *g) {
  (void)g;
  woken++;
}

/* The fakes' thread is in the runtime, where nobody waits. */
static bool waits_for_room(size_t bytes) {
  struct mwi_room_wait wait = {0};
  int32_t rt = mwi_tcb()->rt;
  mwi_tcb()->rt = 0;
  bool room = mwi_memlimit_wait(bytes, &wait);
  assert_int_equal(mwi_tcb()->rt, 0);
  mwi_tcb()->rt = rt;
  return room;
}
static void starts_a_goroutine(void) {
  int32_t rt = mwi_tcb()->rt;
  mwi_tcb()->rt = 0;
  mwi_stacklimit_wait();
  assert_int_equal(mwi_tcb()->rt, 0);
  mwi_tcb()->rt = rt;
}

static struct mwi_pacer pacer_was;
static int begin(void **state) {
  parked = woken = 0;
  while_parked = NULL;
  mwi_gc_hooks.current = somebody;
  mwi_gc_hooks.in_handler = no;
  mwi_gc_hooks.park_unlock = park;
  mwi_gc_hooks.ready = wakes;
  mwi_gc_hooks.cycle_ended = NULL;
  pacer_was = mwi_pacer;
  return reset(state);
}
static int end(void **state) {
  (void)state;
  mwi_pacer = pacer_was;
  mwi_gc_hooks.cycle_ended = NULL;
  mwi_store_relaxed(&mwi_gc.waiting, 0);
  heap_sweep_all();
  return 0;
}

/* ---- Charges ------------------------------------------------------------------- */

/* Small ones add up before they reach the counter that all share: not while each is owed marking,
 * and not under a limit. */
static void small_charges_are_seen(void **state) {
  (void)state;
  start();
  uint64_t live = mwi_load_relaxed(&mwi_heap_live.bytes), black = mwi_load_relaxed(&mwi_gc.black);
  mwi_pacer_charge(16);
  assert_int_equal(mwi_load_relaxed(&mwi_heap_live.bytes) - live, 16);
  assert_int_equal(mwi_load_relaxed(&mwi_gc.black) - black, 16);
  finish();
  heap_sweep_all();
  mwi_pacer.limit = mwi_pacer.cap = UINT64_MAX / 2;
  live = mwi_load_relaxed(&mwi_heap_live.bytes);
  mwi_pacer_charge(16);
  assert_int_equal(mwi_load_relaxed(&mwi_heap_live.bytes) - live, 16);
}

static uint64_t live_now(void) {
  return mwi_load_relaxed(&mwi_heap_live.bytes);
}

/* A large object's charge, made before there is memory for it: whatever cycles begin and end until
 * it is published, it counts once as live, and once as black if marking is on then. */
static void large_ones_are_charged_once(void **state) {
  (void)state;
  const uint64_t bytes = 8 * MWI_PAGE_BYTES;
  mwi_pacer.goal = mwi_pacer.trigger = UINT64_MAX / 2;
  struct mwi_foreseen f = {0};
  uint64_t live = live_now();
  mwi_pacer_foresee(8, &f); /* far from a cycle */
  assert_int_equal(live_now(), live);
  mwi_pacer_charge_foreseen(8, &f);
  assert_int_equal(live_now() - live, bytes);

  start();
  w.credit = 1 << 30;
  uint64_t black = mwi_load_relaxed(&mwi_gc.black);
  live = live_now();
  mwi_pacer_foresee(8, &f);
  assert_int_equal(w.credit, (1 << 30) - (int64_t)bytes);
  assert_int_equal(live_now() - live, bytes);
  mwi_pacer_charge_foreseen(8, &f); /* the same cycle */
  assert_int_equal(w.credit, (1 << 30) - (int64_t)bytes);
  assert_int_equal(live_now() - live, bytes);
  assert_int_equal(mwi_load_relaxed(&mwi_gc.black) - black, bytes);
  finish();
  mwi_pacer.goal = mwi_pacer.trigger = UINT64_MAX / 2;
  live = live_now();
  mwi_pacer_charge_foreseen(8, &f); /* it has ended */
  assert_int_equal(live_now(), live);
  heap_sweep_all();

  start(); /* the next one is on */
  black = mwi_load_relaxed(&mwi_gc.black);
  mwi_pacer_charge_foreseen(8, &f);
  assert_int_equal(live_now(), live);
  assert_int_equal(mwi_load_relaxed(&mwi_gc.black) - black, bytes);
  finish();
  mwi_pacer.goal = mwi_pacer.trigger = UINT64_MAX / 2;
  live = live_now();
  mwi_pacer_charge_foreseen(8, &f); /* and that has ended, too */
  assert_int_equal(live_now() - live, bytes);
  heap_sweep_all();

  f = (struct mwi_foreseen){.cycle = mwi_gc_stats.ncycles, .live = true}; /* none had begun */
  start();
  finish(); /* and this one knows nothing of it */
  mwi_pacer.goal = mwi_pacer.trigger = UINT64_MAX / 2;
  live = live_now();
  mwi_pacer_charge_foreseen(8, &f);
  assert_int_equal(live_now() - live, bytes);
}

/* What workers have earned is taken first, and is worth what it is worth to an assist. */
static void credit_is_taken(void **state) {
  (void)state;
  start();
  mwi_pacer.goal = mwi_load_relaxed(&mwi_heap_live.bytes) + 100 * MWI_MB;
  mwi_gc_update_ratio();
  double ratio = mwi_load_relaxed(&mwi_gc.ratio);
  assert_true(ratio > 0);
  mwi_store_seqcst(&mwi_gc.background_credit, INT64_C(1) << 40);
  w.credit = 0;
  uint64_t done = mwi_load_relaxed(&mwi_gc.scan_done);
  mwi_pacer_charge(MWI_MB);
  assert_int_equal(mwi_load_relaxed(&mwi_gc.scan_done), done); /* somebody else's */
  assert_true(mwi_load_seqcst(&mwi_gc.background_credit) < INT64_C(1) << 40);
  assert_true(w.credit > -1000); /* paid: the next one begins at nothing */
  mwi_store_seqcst(&mwi_gc.background_credit, 0);
  finish();
}

/* With a goal far away a little work is worth more bytes than there are numbers for; but no more is
 * bought than is soon used up, since the ratio may rise, and others get the rest. */
static void much_is_paid_for(void **state) {
  (void)state;
  w.credit = -12345;
  start();
  assert_int_equal(w.credit, 0); /* nothing is owed from before */
  mwi_pacer.goal = UINT64_MAX / 2;
  for (int i = 0; i < 3; i++) {
    w.credit = 0;
    mwi_pacer_charge(MWI_MB);
    assert_true(w.credit >= 0 && w.credit <= 256 * (int64_t)MWI_KB);
    int64_t before = mwi_load_relaxed(&mwi_gc.background_credit);
    for (int k = 0; k < 20 && mwi_gc_wb_state(); k++) {
      mwi_gc_hasten();
      assert_true(mwi_load_relaxed(&mwi_gc.background_credit) >= before);
    }
    assert_true(w.credit >= 0 && w.credit <= 256 * (int64_t)MWI_KB);
  }
  if (mwi_gc_wb_state()) finish();
}

/* ---- Workers --------------------------------------------------------------------- */

/* A dedicated worker that has run out of work may be needed again. */
static void dedicated_come_again(void **state) {
  (void)state;
  start();
  mwi_store_seqcst(&mwi_gc.nactive, 1); /* another has work, so it is not the end */
  mwi_store_seqcst(&mwi_gc.dedicated_wanted, 1);
  for (int i = 0; i < 5; i++) {
    void **late = object();
    mwi_shade(late);
    mwi_gc_run_due(0);
    assert_int_equal(mwi_load_seqcst(&mwi_gc.dedicated_wanted), 1);
  }
  mwi_store_seqcst(&mwi_gc.nactive, 0);
  finish();
}

/* Those who wait for marking to get on hear of each piece of work. */
static void work_wakes(void **state) {
  (void)state;
  for (int i = 0; i < 1000; i++) {
    void **o = object();
    o[0] = root[0];
    root[0] = o;
  }
  start();
  mwi_store_seqcst(&mwi_gc.nactive, 1);
  mwi_store_seqcst(&mwi_gc.waiting, 1);
  assert_true(mwi_gc_run_idle(0));
  assert_int_equal(mwi_load_seqcst(&mwi_gc.waiting), 0);
  mwi_store_seqcst(&mwi_gc.nactive, 0);
  finish();
}

/* The last stores of the processor's own do not wait for the stop: one is enough. */
static void own_stores_are_marked(void **state) {
  (void)state;
  void **parent = object();
  parent[1] = object();
  start();
  int before = stops;
  in_stop = NULL;
  mwi_store_seqcst(&mwi_gc.nactive, 1);
  for (int i = 0; i < 3; i++) mwi_gc_run_idle(0); /* nothing left */
  mwi_store_seqcst(&mwi_gc.nactive, 0);
  w.wb[w.nwb++] = (uintptr_t)parent;
  finish();
  assert_int_equal(stops - before, 1);
  assert_true(lives(parent) && lives(parent[1]));
}

/* ---- Sweeping ----------------------------------------------------------------------- */

/* Who allocates between cycles sweeps its share, and no more. */
static void allocation_sweeps(void **state) {
  (void)state;
  for (int i = 0; i < 400000; i++) object(); /* 12 MB, garbage */
  start();
  finish();
  uint64_t live = mwi_load_relaxed(&mwi_heap_live.bytes);
  uint64_t unswept = mwi_load_relaxed(&mwi_heap.unswept_spans);
  assert_true(unswept > 1000);
  mwi_pacer.trigger = live + 20 * MWI_MB;
  mwi_pacer.goal = live + 30 * MWI_MB;
  mwi_gc_sweep_basis_stw(); /* all of it, 19 MB from here */
  for (int i = 1; i <= 4; i++) {
    mwi_pacer_charge(4 * MWI_MB);
    double left = (double)mwi_load_relaxed(&mwi_heap.unswept_spans) / (double)unswept;
    assert_true(left < 1 - 4.0 / 19 * i + 0.1 && left > 1 - 4.0 / 19 * i - 0.1);
  }
  mwi_add_relaxed(&mwi_heap_live.bytes, (uint64_t)-16 * MWI_MB);
}

/* ---- At the heap's goal -------------------------------------------------------------- */

static void it_has_started(void) {
  mwi_store_seqcst(&mwi_gc.starting, 0);
}

/* Another thread is about to start the cycle, and the heap has reached the goal. */
static void waits_for_who_starts(void **state) {
  (void)state;
  mwi_pacer.trigger = mwi_pacer.goal = 0;
  mwi_store_seqcst(&mwi_gc.starting, 1);
  while_parked = it_has_started;
  mwi_pacer_charge(64 * MWI_KB); /* more than is put off */
  assert_int_equal(parked, 1);
  assert_false(mwi_gc_wb_state());
  mwi_add_relaxed(&mwi_heap_live.bytes, -(uint64_t)(64 * MWI_KB));
}

/* ---- At the limit --------------------------------------------------------------------- */

static uint32_t cycles;
static void worth_it(void) {
  mwi_pacer.trigger = 0;
  if (++cycles > 50) fail_msg("waits for ever");
}
static void others_get_room(void) {
  worth_it();
  uint64_t limit = mwi_pacer.limit;
  mwi_pacer.limit = 0;
  mwi_tcb()->rt++;
  assert_true(mwi_heap_hooks.ask(1));
  mwi_heap_hooks.told(1);
  mwi_tcb()->rt--;
  mwi_pacer.limit = limit;
}

/* [ML2] Cycles that give nobody room are not waited for again and again; nor are those that give
 * it to others. */
static void gives_up(void **state) {
  (void)state;
  for (int others = 0; others < 2; others++) {
    mwi_pacer = pacer_was;
    mwi_pacer.limit = mwi_pacer.cap = MWI_GB;
    mwi_pacer.trigger = 0;
    mwi_gc_hooks.cycle_ended = others ? others_get_room : worth_it;
    cycles = 0;
    assert_false(waits_for_room(8 * MWI_GB));
    if (others)
      assert_in_range(cycles, 5, 20);
    else
      assert_in_range(cycles, 2, 4);
    assert_false(mwi_gc_wb_state());
  }
}

/* [ML2] What is garbage already is swept first, without a cycle. */
static void sweeps_first(void **state) {
  (void)state;
  for (int i = 0; i < 400000; i++) object(); /* 12 MB, garbage */
  start();
  finish();
  assert_false(mwi_sweep_done());
  uint32_t before = mwi_gc_stats.ncycles;
  mwi_pacer.limit = mwi_pacer.cap = mwi_memory_ready();
  assert_true(waits_for_room(4 * MWI_MB));
  assert_int_equal(mwi_gc_stats.ncycles, before);
}

/* [ML2] A cycle after which hardly anything has been allocated would free nothing. */
static void is_not_worth_a_cycle(void **state) {
  (void)state;
  uint32_t before = mwi_gc_stats.ncycles;
  mwi_pacer.limit = mwi_pacer.cap = MWI_GB;
  mwi_pacer.trigger = mwi_pacer.goal = UINT64_MAX / 2;
  mwi_pacer.marked = mwi_load_relaxed(&mwi_heap_live.bytes) + MWI_MB;
  cycles = 0;
  mwi_gc_hooks.cycle_ended = worth_it;
  assert_false(waits_for_room(8 * MWI_GB));
  assert_int_equal(mwi_gc_stats.ncycles, before);
  assert_false(mwi_gc_wb_state());
  mwi_pacer.trigger = 0; /* now it would */
  assert_false(waits_for_room(8 * MWI_GB));
  assert_true(mwi_gc_stats.ncycles > before);
}

/* ---- Stacks at the limit [ML3] [ML4] ----------------------------------------------------- */

static uint64_t held_now;
static uint64_t held(void) {
  return held_now;
}
static void squeezes(void) {
  mwi_gc_start_requested();
  assert_true(mwi_gc_wb_state()); /* asked for, and begun */
  assert_true(mwi_load_relaxed(&mwi_squeeze) != 0);
  finish();
  held_now = MWI_MB;
  mwi_stacklimit_tidied();
}
static void prepare_and_squeeze(void) {
  mwi_stacklimit_begin_stw(); /* as the scheduler does */
  prepare_roots();
}

static void starts_wait_for_the_squeeze(void **state) {
  (void)state;
  mwi_gc_hooks.stacks_held = held;
  mwi_gc_hooks.prepare_roots_stw = prepare_and_squeeze;
  mwi_pacer.limit = 512 * MWI_MB;
  mwi_memlimit_inputs_stw(false);
  starts_a_goroutine(); /* not short */
  assert_int_equal(parked, 0);
  held_now = MWI_GB;
  mwi_stacklimit_look();
  assert_true(mwi_load_relaxed(&mwi_stacks_short) && mwi_stacklimit_wanted());
  while_parked = squeezes;
  starts_a_goroutine();
  assert_int_equal(parked, 1);
  assert_false(mwi_stacklimit_wanted() || mwi_load_relaxed(&mwi_stacks_short));
  assert_int_equal(mwi_load_relaxed(&mwi_squeeze), 0);
  assert_true(mwi_stacks_counted() == MWI_MB);
  mwi_gc_hooks.stacks_held = NULL;
  mwi_gc_hooks.prepare_roots_stw = prepare_roots;
  mwi_pacer.limit = 0;
  mwi_memlimit_inputs_stw(false);
}

/* ---- The CPU limiter; the last, for it stays on -------------------------------------------- */

/* [ML2] While the collector has had more than its share of the CPU, memory is taken regardless. */
static void the_limiter_lets_through(void **state) {
  (void)state;
  mwi_pacer.limit = 1;
  mwi_pacer.cap = 0;
  assert_false(mwi_heap_hooks.ask(MWI_MB));
  mwi_gc_stats.total_work_cpu_ns += INT64_C(1) << 50;
  while (!mwi_limiter_on()) mwi_limiter_tick(); /* which looks once in a while */
  uint32_t before = mwi_gc_stats.ncycles;
  mwi_pacer.trigger = 0;
  assert_true(mwi_heap_hooks.ask(MWI_MB));
  mwi_heap_hooks.told(MWI_MB);
  assert_false(waits_for_room(MWI_MB));
  assert_int_equal(mwi_gc_stats.ncycles, before);
}

int main(void) {
  cycle_start();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(small_charges_are_seen, begin, end),
      cmocka_unit_test_setup_teardown(large_ones_are_charged_once, begin, end),
      cmocka_unit_test_setup_teardown(credit_is_taken, begin, end),
      cmocka_unit_test_setup_teardown(much_is_paid_for, begin, end),
      cmocka_unit_test_setup_teardown(dedicated_come_again, begin, end),
      cmocka_unit_test_setup_teardown(work_wakes, begin, end),
      cmocka_unit_test_setup_teardown(own_stores_are_marked, begin, end),
      cmocka_unit_test_setup_teardown(allocation_sweeps, begin, end),
      cmocka_unit_test_setup_teardown(waits_for_who_starts, begin, end),
      cmocka_unit_test_setup_teardown(gives_up, begin, end),
      cmocka_unit_test_setup_teardown(sweeps_first, begin, end),
      cmocka_unit_test_setup_teardown(is_not_worth_a_cycle, begin, end),
      cmocka_unit_test_setup_teardown(starts_wait_for_the_squeeze, begin, end),
      cmocka_unit_test_setup_teardown(the_limiter_lets_through, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
