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

/* Stacks are counted, and squeezed, near the limit only, and not for every page. */
static void stacks_near_the_limit(void **state) {
  (void)state;
  const uint64_t limit = 256 * MWI_MB;
  assert_false(mwi_pacer_stacks_due(limit, 0, 239 * MWI_MB));
  assert_true(mwi_pacer_stacks_due(limit, 0, 241 * MWI_MB));
  assert_true(mwi_pacer_stacks_due(limit, 238 * MWI_MB, 3 * MWI_MB));
  assert_false(mwi_pacer_stacks_due(limit, 300 * MWI_MB, MWI_MB)); /* just counted */
  assert_false(mwi_pacer_stacks_worth(limit, 100 * MWI_MB, 139 * MWI_MB, 0));
  assert_true(mwi_pacer_stacks_worth(limit, 100 * MWI_MB, 141 * MWI_MB, 0));
  /* they had given back what they could, and have hardly grown */
  assert_false(mwi_pacer_stacks_worth(limit, 100 * MWI_MB, 141 * MWI_MB, 138 * MWI_MB));
  assert_false(mwi_pacer_stacks_worth(limit, 0, 1000 * MWI_MB, 900 * MWI_MB));
  assert_true(mwi_pacer_stacks_worth(limit, 0, 1013 * MWI_MB, 900 * MWI_MB));
  /* the heap is what is too large */
  assert_false(mwi_pacer_stacks_worth(limit, 300 * MWI_MB, 4 * MWI_MB, 0));
  /* all in use and growing to a terabyte: some 120 squeezes, not one for each megabyte */
  uint64_t left = 0;
  int n = 0;
  for (uint64_t held = 0; held < 1024 * MWI_GB; held += held / 256 + MWI_MB)
    if (mwi_pacer_stacks_worth(limit, 0, held, left)) {
      left = held;
      n++;
    }
  assert_in_range(n, 30, 130);
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

/* A program of so many live bytes under a limit: everything it has is objects and
 * free slots between them. */
static struct mwi_pacer under_limit(int percent, uint64_t limit, uint64_t marked, uint64_t alloc,
                                    uint64_t unused, uint64_t other) {
  struct mwi_pacer p = {.percent = percent,
                        .marked = marked,
                        .heap_scanned = marked,
                        .limit = limit,
                        .heap_alloc = alloc,
                        .ready = alloc + unused + other};
  mwi_pacer_commit(&p);
  return p;
}

static void limit_formula(void **state) {
  (void)state;
  const uint64_t M = MWI_MB;
  /* limit - what is not objects, less 3 % */
  struct mwi_pacer p = under_limit(-1, 256 * M, 150 * M, 246 * M, 4 * M, 6 * M);
  uint64_t fits = (256 - 4 - 6) * M;
  assert_int_equal(p.goal, fits - fits / 100 * 3);
  assert_true(p.ceiling > p.goal && p.ceiling < fits);
  /* free pages are room for objects */
  p.heap_free = 10 * M, p.heap_alloc -= 10 * M;
  mwi_pacer_commit(&p);
  assert_int_equal(p.goal, fits - fits / 100 * 3);
  /* what is over the limit already is taken off */
  p = under_limit(-1, 256 * M, 150 * M, 256 * M, 4 * M, 6 * M);
  fits = (256 - 4 - 6 - 10) * M;
  assert_int_equal(p.goal, fits - fits / 100 * 3);
  /* the smaller of both goals */
  p = under_limit(50, 256 * M, 100 * M, 140 * M, 4 * M, 6 * M);
  assert_int_equal(p.goal, 150 * M);
  assert_true(p.ceiling > 150 * M);
  /* a small limit has a headroom of 1 MB */
  p = under_limit(-1, 16 * M, 2 * M, 13 * M, M, 2 * M);
  assert_int_equal(p.goal, 12 * M);
  /* what the heap grows by costs more than its objects */
  p = under_limit(-1, 256 * M, M, 16 * M, 0, 0);
  fits = (256 - (256 - 16) / 16) * M;
  assert_int_equal(p.goal, fits - fits / 100 * 3);
}

/* Allocation waits at the limit, or an eighth above what is live and all the rest. */
static void limit_cap(void **state) {
  (void)state;
  const uint64_t M = MWI_MB;
  struct mwi_pacer p = under_limit(-1, 256 * M, 150 * M, 246 * M, 4 * M, 6 * M);
  mwi_pacer_commit(&p);
  assert_int_equal(p.cap, 256 * M);
  for (uint64_t limit = 1; limit < 400 * M; limit = limit * 3 / 2 + 1) {
    p = under_limit(100, limit, 150 * M, 160 * M, 4 * M, 6 * M);
    mwi_pacer_commit(&p);
    assert_true(p.cap >= limit && p.cap >= p.ceiling);
    assert_true(p.cap <= limit || p.cap <= 10 * M + 150 * M * 9 / 8 * 33 / 32 + M);
  }
  p = under_limit(100, 0, 150 * M, 160 * M, 4 * M, 6 * M);
  mwi_pacer_commit(&p);
  assert_true(p.cap == UINT64_MAX);
}

static void limit_worth(void **state) {
  (void)state;
  struct mwi_pacer p = {.marked = 80 * MWI_MB, .trigger = 200 * MWI_MB};
  assert_false(mwi_pacer_worth(&p, 80 * MWI_MB));
  assert_false(mwi_pacer_worth(&p, 90 * MWI_MB - 1));
  assert_true(mwi_pacer_worth(&p, 90 * MWI_MB));
  p.trigger = 85 * MWI_MB;
  assert_true(mwi_pacer_worth(&p, 85 * MWI_MB));
}

/* Whatever the limit, a cycle leaves the program some room, and never asks for more
 * scanning than there is. */
static void limit_out_of_reach(void **state) {
  (void)state;
  for (uint64_t limit = 1; limit < 400 * MWI_MB; limit = limit * 3 / 2 + 1) {
    struct mwi_pacer p =
        under_limit(100, limit, 150 * MWI_MB, 160 * MWI_MB, 4 * MWI_MB, 6 * MWI_MB);
    assert_true(p.goal >= p.marked && p.goal <= 300 * MWI_MB);
    assert_true(p.ceiling >= p.marked + p.marked / 8);
    /* no cycle right behind the last, however little the limit leaves */
    assert_true(p.goal >= p.marked + p.marked / 16 && p.goal <= p.ceiling);
    assert_true(p.trigger >= p.marked + p.marked / 32);
    assert_true(p.trigger >= p.marked && p.trigger <= p.goal);
    double r = mwi_pacer_assist_ratio(&p, p.goal, 0);
    assert_true(r > 0 && r <= (double)p.goal);
  }
}

/* Past the goal, the rest is asked for before the ceiling is reached. */
static void limit_holds_back(void **state) {
  (void)state;
  struct mwi_pacer p =
      under_limit(100, 256 * MWI_MB, 150 * MWI_MB, 240 * MWI_MB, 4 * MWI_MB, 6 * MWI_MB);
  for (uint64_t live = p.goal + 1; live < p.ceiling; live += MWI_MB) {
    double r = mwi_pacer_assist_ratio(&p, live, 100 * MWI_MB);
    assert_true(r * (double)(p.ceiling - live) >= (double)(live - 100 * MWI_MB) * 0.999);
  }
  assert_true(mwi_pacer_assist_ratio(&p, p.ceiling + 1, 100 * MWI_MB) > 1e6);
  struct mwi_pacer q = p; /* without a limit: twice the goal, as Go */
  q.limit = 0;
  mwi_pacer_commit(&q);
  assert_true(mwi_pacer_assist_ratio(&q, q.goal + MWI_MB, 100 * MWI_MB) < 2);
}

static void limiter(void **state) {
  (void)state;
  struct mwi_limiter l = {.capacity_ns = 1000};
  mwi_limiter_add(&l, 400, 100);
  assert_false(l.full);
  mwi_limiter_add(&l, 800, 0);
  assert_true(l.full); /* what does not fit is forgotten */
  mwi_limiter_add(&l, 50, 50);
  assert_true(l.full);
  mwi_limiter_add(&l, 0, 1);
  assert_false(l.full);
  mwi_limiter_add(&l, 0, 5000);
  mwi_limiter_add(&l, 999, 0);
  assert_false(l.full);
  mwi_limiter_add(&l, 1, 0);
  assert_true(l.full);
  /* a collector that takes all it may settles at half of the time */
  int64_t gc = 0, program = 0;
  for (int i = 0; i < 10000; i++) {
    int64_t step = l.full ? 0 : 10;
    mwi_limiter_add(&l, step, 10 - step);
    gc += step;
    program += 10 - step;
  }
  assert_in_range(gc * 100 / (gc + program), 45, 55);
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
      cmocka_unit_test(stacks_near_the_limit),
      cmocka_unit_test(extremes),
      cmocka_unit_test(limit_formula),
      cmocka_unit_test(limit_cap),
      cmocka_unit_test(limit_worth),
      cmocka_unit_test(limit_out_of_reach),
      cmocka_unit_test(limit_holds_back),
      cmocka_unit_test(limiter),
      cmocka_unit_test(workers),
      cmocka_unit_test(steady_state),
      cmocka_unit_test(growth),
      cmocka_unit_test(phase_change),
      cmocka_unit_test(ratio_rises_towards_the_goal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
