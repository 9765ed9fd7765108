/* SPDX-License-Identifier: MIT */
/*
 * gc/pacer.c -- goal, trigger, assist ratio: the policy
 *
 * All of it is arithmetic on struct mwi_pacer; see gc/pacer.h.  Errors are made
 * on the safe side: an over-estimate of live bytes starts a cycle early, an
 * over-estimate of work makes assists larger; neither loses an object.
 */
#include "gc/pacer.h"

void mwi_pacer_workers(uint32_t nprocs, uint32_t *dedicated, double *fraction) {
  double want = nprocs * (MWI_GC_CPU_PERCENT / 100.0);
  uint32_t n = (uint32_t)(want + 0.5);
  double error = want > 0 ? (double)n / want - 1 : 0;
  *fraction = 0;
  if (error < -0.3 || error > 0.3) { /* few processors: whole workers miss the target by too much */
    if (n > want) n--;
    *fraction = (want - n) / nprocs;
  }
  *dedicated = n;
}

/* What a program may add to a live heap that the limit leaves no room for before
 * it must help to mark: less would be a cycle for every few objects. */
#define LEAST_ROOM(marked) ((marked) / 8)

/* Of a larger heap, this part goes to span structs (4 % of spans of one page) and to
 * free slots. */
#define GROWTH_SHARE 16

/* Objects that fit under the memory limit beside everything else.  The goal keeps
 * a headroom for what an estimate misses, and is not less than what is marked;
 * the ceiling keeps half of it, and leaves some room in any case.  Half of that room is
 * the least that the goal leaves: else, with more live than the limit, cycles would follow each
 * other without a pause, marked by idle processors, which the CPU limiter does not count. */
static uint64_t limit_goal(struct mwi_pacer *p) {
  uint64_t heap = p->heap_free + p->heap_alloc;
  uint64_t other = p->ready > heap ? p->ready - heap : 0;
  uint64_t over = p->ready > p->limit ? p->ready - p->limit : 0;
  p->ceiling = p->marked + LEAST_ROOM(p->marked);
  /* of the ceiling, 1/32 for free slots that this cycle does not know of */
  p->cap = other + p->ceiling + p->ceiling / 32 + MWI_MB;
  if (p->cap < p->limit) p->cap = p->limit;
  uint64_t least = p->marked + LEAST_ROOM(p->marked) / 2;
  if (other + over >= p->limit) return least;
  uint64_t goal = p->limit - other - over;
  if (goal > heap) goal -= (goal - heap) / GROWTH_SHARE;
  uint64_t headroom = goal / 100 * 3;
  if (headroom < MWI_MB) headroom = MWI_MB;
  goal = goal > 2 * headroom ? goal - headroom : headroom;
  if (goal + headroom / 2 > p->ceiling) {
    p->ceiling = goal + headroom / 2;
    p->cap = p->limit;
  }
  return goal > least ? goal : least;
}

bool mwi_pacer_worth(const struct mwi_pacer *p, uint64_t live) {
  return live >= p->trigger || live >= p->marked + LEAST_ROOM(p->marked);
}

/* Where stacks begin to give way: growth goes on until the cycle has come, and the heap's own
 * headroom is half of this. */
#define STACKS_NEAR(limit) ((limit) - (limit) / 16)
/* Page faults between two counts, and growth between two squeezes: near the limit these are what
 * bounds their number. */
#define COUNT_STEP(limit) ((limit) / 128)
#define SQUEEZE_STEP(limit) ((limit) / 64)

bool mwi_pacer_stacks_due(uint64_t limit, uint64_t held, uint64_t faults) {
  return faults >= COUNT_STEP(limit) && held + faults > STACKS_NEAR(limit);
}

bool mwi_pacer_stacks_worth(uint64_t limit, uint64_t beside, uint64_t stacks, uint64_t left) {
  uint64_t step = left / 8 > SQUEEZE_STEP(limit) ? left / 8 : SQUEEZE_STEP(limit);
  return beside + stacks > STACKS_NEAR(limit) && stacks > left + step;
}

void mwi_pacer_commit(struct mwi_pacer *p) {
  p->ceiling = p->cap = UINT64_MAX;
  if (p->percent < 0 && !p->limit) {
    p->goal = p->trigger = UINT64_MAX;
    return;
  }
  uint64_t goal = UINT64_MAX;
  if (p->percent >= 0) {
    double percent = p->percent / 100.0;
    double extra = (double)(p->marked + p->stacks + p->globals) * percent;
    goal = p->marked + (extra < 0x1p62 ? (uint64_t)extra : (uint64_t)1 << 62);
    uint64_t least = (uint64_t)(MWI_MIN_HEAP * percent);
    if (goal < least) goal = least;
  }
  if (p->limit) {
    uint64_t under = limit_goal(p);
    if (under < goal) goal = under;
  }
  if (goal < p->marked + 65536) goal = p->marked + 65536;

  double cons_mark = 0;
  for (int i = 0; i < 4; i++)
    if (p->cons_mark[i] > cons_mark) cons_mark = p->cons_mark[i];
  double u = MWI_GC_CPU_PERCENT / 100.0;
  double runway = cons_mark * ((1 - u) / u) * (double)(p->heap_scanned + p->stacks + p->globals);

  uint64_t room = goal > p->marked ? goal - p->marked : 0;
  uint64_t low = p->marked + room / 64 * 45, high = p->marked + room / 64 * 61;
  if (goal > MWI_MIN_HEAP && goal - MWI_MIN_HEAP > high) high = goal - MWI_MIN_HEAP;
  uint64_t trigger = runway >= (double)goal ? 0 : goal - (uint64_t)runway;
  if (trigger < low) trigger = low;
  if (trigger > high) trigger = high;
  p->goal = goal;
  p->trigger = trigger;
}

void mwi_limiter_add(struct mwi_limiter *l, int64_t gc_ns, int64_t program_ns) {
  int64_t fill = l->fill_ns + gc_ns - program_ns;
  if (fill < 0) fill = 0;
  if (fill > l->capacity_ns) fill = l->capacity_ns;
  l->fill_ns = fill;
  l->full = fill == l->capacity_ns;
}

void mwi_pacer_learn(struct mwi_pacer *p, uint64_t live_at_trigger, uint64_t live_at_end,
                     uint64_t scan_work, double util, double idle) {
  if (util > 0.95) util = 0.95; /* a tiny cycle: anything can be measured */
  double now = 0;
  if (scan_work && live_at_end > live_at_trigger)
    now =
        (double)(live_at_end - live_at_trigger) * (util + idle) / ((double)scan_work * (1 - util));
  memmove(&p->cons_mark[1], &p->cons_mark[0], 3 * sizeof p->cons_mark[0]);
  p->cons_mark[0] = now;
}

double mwi_pacer_assist_ratio(const struct mwi_pacer *p, uint64_t live, uint64_t scan_done) {
  if (p->goal == UINT64_MAX) return 0; /* a forced cycle with GOGC=off: workers do it */
  /* Steady state: as much to scan as last time.  More, once that is passed:
   * all that is live, with a goal stretched accordingly. */
  uint64_t expect = p->heap_scanned + p->stacks + p->globals, goal = p->goal;
  if (p->limit && !p->heap_scanned) expect = live; /* the first cycle knows nothing */
  if (scan_done > expect || live > goal) {
    expect = live + p->stacks + p->globals;
    double hard = (double)goal * (1 + (p->percent > 10 ? p->percent / 100.0 : 0.1));
    if (hard > (double)p->ceiling) hard = (double)p->ceiling;
    if (hard > 0x1p62) hard = 0x1p62;
    goal = (double)live < hard ? (uint64_t)hard : p->limit ? live : live + live / 10;
  }
  uint64_t work = expect > scan_done + 1000 ? expect - scan_done : 1000;
  uint64_t room = goal > live ? goal - live : 1;
  return (double)work / (double)room;
}
