/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_pacer.c -- goal, trigger, assist ratio, workers: made-up programs
 *
 * The formulas exactly, where Go documents them; then simulated programs whose
 * allocation and scanning have a price in CPU time.  What counts is that the
 * heap ends near its goal, that assists are rare in a steady state, and that
 * a change of phase is followed within some cycles.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gc/pacer.h"

static void goal_formula(void **state) {
  (void)state;
  /* live + (live + stacks + globals) * GOGC / 100 */
  struct mwi_pacer p = {
      .percent = 100, .marked = 100 * MWI_MB, .stacks = MWI_MB, .globals = MWI_MB};
  mwi_pacer_commit(&p);
  assert_int_equal(p.goal, 202 * MWI_MB);
  p.percent = 50;
  mwi_pacer_commit(&p);
  assert_int_equal(p.goal, 151 * MWI_MB);
  p.percent = 1000;
  mwi_pacer_commit(&p);
  assert_int_equal(p.goal, 1120 * MWI_MB);
}

static void least_goal(void **state) {
  (void)state;
  for (int percent = 2; percent <= 1000; percent++) {
    struct mwi_pacer p = {.percent = percent};
    mwi_pacer_commit(&p);
    uint64_t least = MWI_MIN_HEAP * (uint64_t)percent / 100;
    assert_in_range(p.goal, least - 1, least);
  }
  struct mwi_pacer p = {.percent = 100, .marked = MWI_MB};
  mwi_pacer_commit(&p);
  assert_int_equal(p.goal, MWI_MIN_HEAP);
}

static void off(void **state) {
  (void)state;
  struct mwi_pacer p = {.percent = -1, .marked = MWI_GB};
  mwi_pacer_commit(&p);
  assert_true(p.goal == UINT64_MAX && p.trigger == UINT64_MAX);
  assert_true(mwi_pacer_assist_ratio(&p, 2 * MWI_GB, 5) == 0);
}

static void extremes(void **state) {
  (void)state;
  static const int percents[] = {0, 1, 10, 100, 1000, 100000, INT32_MAX};
  static const uint64_t sizes[] = {0, 1, 65536, 4 * MWI_MB, MWI_GB, 1024 * MWI_GB};
  static const double cons[] = {0, 1e-9, 0.5, 10, 1e9};
  for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++)
    for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++)
      for (size_t k = 0; k < sizeof cons / sizeof cons[0]; k++) {
        struct mwi_pacer p = {.percent = percents[i],
                              .marked = sizes[j],
                              .stacks = sizes[j] / 10,
                              .heap_scanned = sizes[j],
                              .cons_mark = {cons[k]}};
        mwi_pacer_commit(&p);
        assert_true(p.goal >= p.marked + 65536);
        assert_true(p.trigger <= p.goal && p.trigger >= p.marked);
        uint64_t room = p.goal - p.marked;
        assert_true(p.trigger >= p.marked + room / 64 * 45); /* Go's lower bound: 70 % of the way */
        uint64_t high = p.marked + room / 64 * 61;           /* 95 %, or 4 MB before the goal */
        if (p.goal > MWI_MIN_HEAP && p.goal - MWI_MIN_HEAP > high) high = p.goal - MWI_MIN_HEAP;
        assert_true(p.trigger <= high);
        double r = mwi_pacer_assist_ratio(&p, p.trigger, 0);
        assert_true(r > 0 && r < 1e18);
        assert_true(mwi_pacer_assist_ratio(&p, p.goal, p.heap_scanned) > 0);
        assert_true(mwi_pacer_assist_ratio(&p, p.goal * 2, p.heap_scanned * 3) > 0);
      }
}

/* Go: 25 % of the processors; a fractional worker only where whole ones would
 * miss that by more than 30 %. */
static void workers(void **state) {
  (void)state;
  static const struct {
    uint32_t procs, dedicated;
    double fraction;
  } few[] = {{1, 0, 0.25}, {2, 0, 0.25},    {3, 0, 0.25}, {4, 1, 0},
             {5, 1, 0},    {6, 1, 0.5 / 6}, {7, 2, 0},    {8, 2, 0}};
  for (uint32_t p = 1; p <= 64; p++) {
    uint32_t dedicated;
    double fraction;
    mwi_pacer_workers(p, &dedicated, &fraction);
    if (p <= 8) {
      assert_int_equal(dedicated, few[p - 1].dedicated);
      assert_true(fraction > few[p - 1].fraction - 1e-9 && fraction < few[p - 1].fraction + 1e-9);
    } else {
      assert_int_equal(dedicated, (p + 2) / 4); /* p / 4, rounded */
      assert_true(fraction == 0);
    }
    double share = dedicated + fraction * p;
    assert_true(share > p / 4.0 * 0.7 && share < p / 4.0 * 1.3);
  }
}

/* ---- Programs ------------------------------------------------------------ */

/* Four processors: one marks, three run the program. */
struct program {
  double alloc_ns, scan_ns; /* for each byte */
  uint64_t live;            /* bytes that survive */
};

struct outcome {
  uint64_t goal, end;
  double assist; /* share of the program's CPU time during marking */
  double cpu;    /* the collector's share of all CPU time */
};

static struct outcome cycle(struct mwi_pacer *p, const struct program *g, uint64_t *heap) {
  double ns = 0, gc_ns = 0; /* CPU time, all processors */
  if (*heap < p->trigger) {
    ns += (double)(p->trigger - *heap) * g->alloc_ns;
    *heap = p->trigger;
  }
  uint64_t start = *heap;
  double todo = (double)g->live, done = 0, credit = 0, worker = 0, assist = 0, mutator = 0;
  while (done < todo) {
    double step = 4096; /* bytes that the program wants to allocate */
    double owed = step * mwi_pacer_assist_ratio(p, *heap, (uint64_t)done);
    double from_credit = owed < credit ? owed : credit;
    credit -= from_credit;
    double help = owed - from_credit;
    if (help > todo - done) help = todo - done;
    double mine = step * g->alloc_ns + help * g->scan_ns;
    double background = mine / 3 / g->scan_ns; /* one worker beside three threads */
    credit += background;
    done += help + background;
    assist += help * g->scan_ns;
    mutator += mine;
    worker += mine / 3;
    *heap += 4096;
  }
  struct outcome o = {.goal = p->goal, .end = *heap, .assist = assist / mutator};
  gc_ns = assist + worker;
  o.cpu = gc_ns / (ns + mutator + worker);
  double all = mutator + worker;
  mwi_pacer_learn(p, start, *heap, (uint64_t)done, 0.25 + assist / all, 0);
  p->marked = g->live + (*heap - start); /* allocated black */
  p->heap_scanned = (uint64_t)done;
  *heap = p->marked;
  mwi_pacer_commit(p);
  return o;
}

static struct mwi_pacer begin(int percent, const struct program *g, uint64_t *heap) {
  struct mwi_pacer p = {.percent = percent, .marked = g->live, .heap_scanned = g->live};
  *heap = g->live;
  mwi_pacer_commit(&p);
  return p;
}

static void steady_state(void **state) {
  (void)state;
  static const int percents[] = {25, 50, 100, 200, 1000};
  for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
    struct program g = {.alloc_ns = 1, .scan_ns = 0.3, .live = 64 * MWI_MB};
    uint64_t heap;
    struct mwi_pacer p = begin(percents[i], &g, &heap);
    for (int k = 0; k < 30; k++) {
      struct outcome o = cycle(&p, &g, &heap);
      if (k < 5) continue;
      double over = (double)o.end / (double)o.goal;
      /* a small GOGC leaves so little room that the program has to help */
      if (over > 1.10 || (percents[i] >= 100 && o.assist > 0.30))
        fail_msg("GOGC=%d, cycle %d: ends at %.3f of its goal, assists %.3f", percents[i], k, over,
                 o.assist);
      assert_true(over > 0.6); /* the memory that the user allowed is used */
    }
  }
}

static void growth(void **state) {
  (void)state;
  struct program g = {.alloc_ns = 1, .scan_ns = 0.3, .live = 4 * MWI_MB};
  uint64_t heap;
  struct mwi_pacer p = begin(100, &g, &heap);
  for (int k = 0; k < 40; k++) {
    struct outcome o = cycle(&p, &g, &heap);
    assert_true((double)o.end < 1.5 * (double)o.goal);
    g.live += g.live / 8;
  }
}

static void phase_change(void **state) {
  (void)state;
  struct program calm = {.alloc_ns = 10, .scan_ns = 0.3, .live = 64 * MWI_MB};
  struct program wild = {.alloc_ns = 0.3, .scan_ns = 0.5, .live = 64 * MWI_MB};
  uint64_t heap;
  struct mwi_pacer p = begin(100, &calm, &heap);
  for (int k = 0; k < 10; k++) cycle(&p, &calm, &heap);
  struct outcome first = cycle(&p, &wild, &heap);
  assert_true((double)first.end < 1.2 * (double)first.goal); /* assists hold it */
  struct outcome o = first;
  for (int k = 0; k < 6; k++) o = cycle(&p, &wild, &heap);
  assert_true((double)o.end < 1.1 * (double)o.goal);
  /* a heap that suddenly survives entirely stays below the hard limit */
  wild.live = 128 * MWI_MB;
  o = cycle(&p, &wild, &heap);
  assert_true((double)o.end < 2.0 * (double)o.goal);
  /* and back: the trigger moves towards the goal again */
  for (int k = 0; k < 6; k++) cycle(&p, &calm, &heap);
  assert_true((double)(p.trigger - p.marked) > 0.7 * (double)(p.goal - p.marked));
}

static void ratio_rises_towards_the_goal(void **state) {
  (void)state;
  struct mwi_pacer p = {.percent = 100, .marked = 64 * MWI_MB, .heap_scanned = 64 * MWI_MB};
  mwi_pacer_commit(&p);
  double last = 0;
  for (uint64_t live = p.trigger; live < p.goal; live += MWI_MB) {
    double r = mwi_pacer_assist_ratio(&p, live, 0);
    assert_true(r > last);
    /* at this price all is scanned when the goal is reached */
    assert_true(r * (double)(p.goal - live) >= (double)p.heap_scanned * 0.999);
    last = r;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(goal_formula),
      cmocka_unit_test(least_goal),
      cmocka_unit_test(off),
      cmocka_unit_test(extremes),
      cmocka_unit_test(workers),
      cmocka_unit_test(steady_state),
      cmocka_unit_test(growth),
      cmocka_unit_test(phase_change),
      cmocka_unit_test(ratio_rises_towards_the_goal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
