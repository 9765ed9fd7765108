/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/mutator.c -- many goroutines change graphs while the collector runs
 *
 *     mutator [-t SECONDS | -n STEPS] [-g GOROUTINES] [-b BALLAST]
 *
 * Job      Break the collector if it can be broken.  Each worker goroutine holds
 *          graphs (graph.h) in its stack, in heap cells, in globals and in
 *          atomics; changes them, and hands them to others through channels,
 *          select, new goroutines and an atomic exchange.  After each step the
 *          graph is compared with its shadow, node by node.
 * Aim      The two halves of the barrier have a pattern each that fails soon
 *          when the half is missing (the break-deletion and break-insertion
 *          variants of the runtime show it):
 *          deletion    `take`: a scanned stack loads a pointer from a cell that
 *                      marking has not reached, clears the cell, and keeps the
 *                      pointer on the stack until the cycle is over.  The cells
 *                      hang at the end of a long list (the ballast), which a
 *                      collector can only reach one node after the other.
 *          insertion   `hide`: a stack not yet scanned stores its only pointer
 *                      into an object that is black already (a fresh one, or a
 *                      global), clears itself, and leaves it there until the
 *                      cycle is over.  Hundreds of idle goroutines make the
 *                      time between the first stack's scan and the last longer.
 *          For both, a root's place stays *settled* until the next collection
 *          has ended.  To keep the worker's own stack from being the other
 *          reference, `held` is only accessed in worker() itself, and a worker
 *          knows the address of its cells inverted only.
 * Seed     MW_TEST_SEED; printed in a failure.  Scheduling is not repeated by
 *          it, but the steps are.
 * Exit     0 fine, 1 the heap is not what the shadow says, 64 usage.
 */
#include "graph.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  WORKERS_MAX = 1024,
  HELD = 8,       /* graphs on a worker's stack */
  CELLS = 16,     /* heap cells of a worker, half of them through a box */
  GLOBALS = 8,    /* global cells of a worker */
  EXCHANGE = 256, /* atomics that all workers share */
  RELAYS = 16,    /* goroutines that pass graphs on, blocking */
  CHANNEL_ROOM = 8,
};

struct parcel {
  struct node *root;
  uintptr_t model; /* struct model *, malloc'ed */
};

struct box {
  uint64_t filler[2];
  struct node *root;
};

struct cells {
  struct node *plain[CELLS / 2];
  struct box *boxed[CELLS / 2];
};

/* A link of the ballast. */
struct link {
  struct link *next;
  struct cells *cells; /* of one worker, in the last links only */
  uint64_t filler[2];
};

/* What a worker knows about a place that holds a root. */
struct place {
  struct model *model; /* NULL: empty */
  uint64_t settled;    /* leave it alone until this many collections have ended */
};

static struct link *ballast;
static struct node *global_plain[WORKERS_MAX][GLOBALS / 2];
static _Atomic(struct node *) global_atomic[WORKERS_MAX][GLOBALS / 2];
static _Atomic(struct node *) exchange[EXCHANGE];
static mw_chan *to_relay[2], *from_relay; /* of struct parcel */

static _Atomic bool stopping;
static _Atomic uint64_t collections, steps;
static mw_waitgroup *workers_running, *relays_running, *visitors_running;
static uint64_t steps_each = UINT64_MAX;

/* ---- Things beside the workers -------------------------------------------- */

static void collector_goroutine(void *arg) {
  struct rng r;
  rng_seed(&r, test_seed ^ 0x6763);
  while (!stopping) {
    mw_gc();
    collections++;
    mw_sleep((int64_t)rng_below(&r, 300) * 1000);
  }
  mw_waitgroup_done(arg);
}

/* Holds graphs on a stack that is blocked most of the time. */
static void relay_goroutine(void *arg) {
  (void)arg;
  mw_chan *open[2] = {to_relay[0], to_relay[1]};
  while (open[0] || open[1]) {
    struct parcel p[2] = {{0}};
    mw_case cases[] = {mw_case_recv(open[0], &p[0]), mw_case_recv(open[1], &p[1])};
    int chosen = mw_select(cases, 2);
    if (!cases[chosen].ok) {
      open[chosen] = NULL;
      continue;
    }
    graph_check(p[chosen].root, (struct model *)p[chosen].model);
    mw_chan_send(from_relay, p[chosen]);
  }
  mw_waitgroup_done(relays_running);
}

static void close_after_relays(void *arg) {
  mw_waitgroup_wait(relays_running);
  mw_chan_close(arg);
}

/* Waits on a stack of its own: one more to scan. */
static void idle_goroutine(void *arg) {
  int64_t value;
  mw_chan_recv((mw_chan *)arg, &value);
}

/* A graph travels as a new goroutine's argument, changes, and goes to the exchange. */
static void visitor_goroutine(void *arg) {
  struct parcel *parcel = arg;
  struct node *root = parcel->root;
  struct model *m = (struct model *)parcel->model;
  parcel->root = NULL;
  struct rng r;
  rng_seed(&r, m->root->id ^ test_seed);
  for (int i = 0; i < 4; i++) {
    root = graph_mutate(root, m, &r);
    graph_check(root, m);
    mw_yield();
  }
  struct node *other = atomic_exchange(&exchange[rng_below(&r, EXCHANGE)], root);
  if (other) {
    m = model_of(other);
    graph_check(other, m);
    graph_drop(m);
  }
  mw_waitgroup_done(visitors_running);
}

/* Garbage of all kinds, so that lost memory is used again soon. */
static void litter(struct rng *r) {
  struct node *n = mw_new(struct node);
  n->slot[0] = mw_new(struct node);
  n->slot[1] = n;
  struct node **many = mw_make(struct node *, 1 + rng_below(r, 64));
  many[0] = n;
  memset(mw_alloc_noscan(1 + rng_below(r, 256)), 0xa5, 1);
  if (rng_below(r, 512) == 0) memset(mw_alloc(40000 + rng_below(r, 200000)), 0x5a, 40000);
}

/* ---- Workers --------------------------------------------------------------- */

enum step {
  STEP_CREATE,
  STEP_MUTATE,
  STEP_MERGE,
  STEP_SPLIT,
  STEP_HIDE_PLAIN,
  STEP_HIDE_BOX,
  STEP_TAKE,
  STEP_GLOBAL_PUT,
  STEP_GLOBAL_TAKE,
  STEP_SEND,
  STEP_RECEIVE,
  STEP_EXCHANGE,
  STEP_VISITOR,
  STEP_DROP,
  STEP_LITTER,
  STEP_YIELD,
};

/* Out of 64: how often each step comes. */
static const struct {
  enum step step;
  uint32_t weight;
} mix[] = {
    {STEP_CREATE, 4},      {STEP_MUTATE, 14},  {STEP_MERGE, 1},   {STEP_SPLIT, 2},
    {STEP_HIDE_PLAIN, 5},  {STEP_HIDE_BOX, 7}, {STEP_TAKE, 11},   {STEP_GLOBAL_PUT, 4},
    {STEP_GLOBAL_TAKE, 4}, {STEP_SEND, 2},     {STEP_RECEIVE, 2}, {STEP_EXCHANGE, 2},
    {STEP_VISITOR, 1},     {STEP_DROP, 1},     {STEP_LITTER, 3},  {STEP_YIELD, 1},
};

static enum step any_step(struct rng *r) {
  uint32_t n = rng_below(r, 64);
  for (size_t i = 0; i < sizeof mix / sizeof mix[0]; i++) {
    if (n < mix[i].weight) return mix[i].step;
    n -= mix[i].weight;
  }
  return STEP_YIELD;
}

/* A place of `places` that is free (or, full: holds a root and may be touched); -1 when none. */
static int any_place(const struct place *places, int n, bool full, struct rng *r) {
  int start = (int)rng_below(r, (uint32_t)n);
  for (int k = 0; k < n; k++) {
    const struct place *p = &places[(start + k) % n];
    if (full ? p->model && p->settled <= collections : !p->model) return (start + k) % n;
  }
  return -1;
}

/* Half of the moves settle. */
static uint64_t settle(struct rng *r) {
  return rng_below(r, 2) ? 0 : collections + 2;
}

static void put(struct place *p, struct model *m, struct rng *r) {
  p->model = m;
  p->settled = settle(r);
}

struct job {
  uint32_t number;
  uintptr_t hidden_cells; /* ~address: the ballast is what keeps them */
};

static void worker(void *arg) {
  uint32_t me = ((struct job *)arg)->number;
  uintptr_t hidden_cells = ((struct job *)arg)->hidden_cells;
  arg = NULL;
  struct rng random, *r = &random;
  rng_seed(r, test_seed + me);

  struct node *held[HELD] = {0};
  struct place at_held[HELD] = {{0}}, at_cell[CELLS] = {{0}}, at_global[GLOBALS] = {{0}};
#define CELLS_PTR ((struct cells *)~hidden_cells)

  for (uint64_t step = 0; step < steps_each && !stopping; step++) {
    int h = any_place(at_held, HELD, true, r), into = any_place(at_held, HELD, false, r);
    struct model *m = h < 0 ? NULL : at_held[h].model;
    int from, to;
    enum step what = any_step(r);
    if (what == STEP_LITTER) litter(r);
    if (what == STEP_YIELD || (h < 0 && into < 0)) mw_yield();

    if (what == STEP_CREATE && into >= 0) {
      held[into] = graph_new();
      put(&at_held[into], model_of(held[into]), r);
    }
    if (what == STEP_SEND && h >= 0) {
      struct parcel p = {held[h], (uintptr_t)m};
      if (mw_chan_try_send(to_relay[rng_below(r, 2)], p)) {
        held[h] = NULL;
        at_held[h].model = NULL;
      }
    }
    if (what == STEP_RECEIVE && into >= 0) {
      struct parcel p;
      if (mw_chan_try_recv(from_relay, &p) == 1) {
        held[into] = p.root;
        put(&at_held[into], (struct model *)p.model, r);
        graph_check(held[into], at_held[into].model);
      }
    }
    if (what == STEP_MUTATE && h >= 0) {
      held[h] = graph_mutate(held[h], m, r);
      graph_check(held[h], m);
    }
    if (what == STEP_MERGE && h >= 0) {
      int other = any_place(at_held, HELD, true, r);
      if (other != h && graph_merge(m, held[other], at_held[other].model, r)) {
        held[other] = NULL;
        at_held[other].model = NULL;
        graph_check(held[h], m);
      }
    }
    if (what == STEP_SPLIT && h >= 0 && into >= 0) {
      held[into] = graph_split(m, r);
      if (held[into]) put(&at_held[into], model_of(held[into]), r);
      graph_check(held[h], m);
    }
    if (what == STEP_HIDE_PLAIN && h >= 0 && (to = any_place(at_cell, CELLS / 2, false, r)) >= 0) {
      CELLS_PTR->plain[to] = held[h];
      held[h] = NULL;
      at_held[h].model = NULL;
      put(&at_cell[to], m, r);
    }
    if (what == STEP_HIDE_BOX && h >= 0 &&
        (to = any_place(at_cell + CELLS / 2, CELLS / 2, false, r)) >= 0) {
      struct box *fresh = mw_new(struct box);
      fresh->root = held[h];
      held[h] = NULL;
      CELLS_PTR->boxed[to] = fresh;
      at_held[h].model = NULL;
      put(&at_cell[CELLS / 2 + to], m, r);
    }
    if (what == STEP_TAKE && into >= 0 && (from = any_place(at_cell, CELLS, true, r)) >= 0) {
      if (from < CELLS / 2) {
        held[into] = CELLS_PTR->plain[from];
        CELLS_PTR->plain[from] = NULL;
      } else {
        held[into] = CELLS_PTR->boxed[from - CELLS / 2]->root;
        CELLS_PTR->boxed[from - CELLS / 2]->root = NULL;
        CELLS_PTR->boxed[from - CELLS / 2] = NULL;
      }
      put(&at_held[into], at_cell[from].model, r);
      at_cell[from].model = NULL;
      at_held[into].model->op = "take";
      graph_check(held[into], at_held[into].model);
    }
    if (what == STEP_GLOBAL_PUT && h >= 0 && (to = any_place(at_global, GLOBALS, false, r)) >= 0) {
      if (to < GLOBALS / 2)
        global_plain[me][to] = held[h];
      else
        global_atomic[me][to - GLOBALS / 2] = held[h];
      held[h] = NULL;
      at_held[h].model = NULL;
      put(&at_global[to], m, r);
    }
    if (what == STEP_GLOBAL_TAKE && into >= 0 &&
        (from = any_place(at_global, GLOBALS, true, r)) >= 0) {
      if (from < GLOBALS / 2) {
        held[into] = global_plain[me][from];
        global_plain[me][from] = NULL;
      } else {
        held[into] = atomic_exchange(&global_atomic[me][from - GLOBALS / 2], NULL);
      }
      put(&at_held[into], at_global[from].model, r);
      at_global[from].model = NULL;
      at_held[into].model->op = "take from a global";
      graph_check(held[into], at_held[into].model);
    }
    if (what == STEP_EXCHANGE) {
      struct node *mine = h < 0 ? NULL : held[h];
      int slot = h >= 0 ? h : into;
      if (slot < 0) continue;
      held[slot] = atomic_exchange(&exchange[rng_below(r, EXCHANGE)], mine);
      at_held[slot].model = NULL;
      if (held[slot]) {
        put(&at_held[slot], model_of(held[slot]), r);
        at_held[slot].model->op = "exchange";
        graph_check(held[slot], at_held[slot].model);
      }
    }
    if (what == STEP_VISITOR && h >= 0 && rng_below(r, 8) == 0) {
      struct parcel *parcel = mw_new(struct parcel);
      parcel->root = held[h];
      parcel->model = (uintptr_t)m;
      mw_waitgroup_add(visitors_running, 1);
      mw_go(visitor_goroutine, parcel);
      held[h] = NULL;
      at_held[h].model = NULL;
    }
    if (what == STEP_DROP && h >= 0) {
      graph_drop(m);
      held[h] = NULL;
      at_held[h].model = NULL;
    }
    if ((step & 255) == 255) steps += 256;
  }

  /* What is left must be intact as well. */
  for (int i = 0; i < HELD; i++)
    if (at_held[i].model) {
      graph_check(held[i], at_held[i].model);
      graph_drop(at_held[i].model);
    }
  for (int i = 0; i < CELLS; i++)
    if (at_cell[i].model) {
      at_cell[i].model->op = "the end, in a cell";
      graph_check(i < CELLS / 2 ? CELLS_PTR->plain[i] : CELLS_PTR->boxed[i - CELLS / 2]->root,
                  at_cell[i].model);
      graph_drop(at_cell[i].model);
    }
  for (int i = 0; i < GLOBALS; i++)
    if (at_global[i].model) {
      at_global[i].model->op = "the end, in a global";
      graph_check(i < GLOBALS / 2 ? global_plain[me][i] : global_atomic[me][i - GLOBALS / 2],
                  at_global[i].model);
      graph_drop(at_global[i].model);
    }
  mw_waitgroup_done(workers_running);
}

/* ---- Beginning and end ----------------------------------------------------- */

/* A list of `length` links, the cells of the workers in the last ones. */
static uintptr_t *make_ballast(size_t length, uint32_t workers) {
  uintptr_t *hidden = calloc(workers, sizeof *hidden);
  if (!hidden) fail("out of memory");
  for (uint32_t i = 0; i < workers; i++) {
    struct link *link = mw_new(struct link);
    link->cells = mw_new(struct cells);
    hidden[i] = ~(uintptr_t)link->cells;
    link->next = ballast;
    ballast = link;
  }
  for (size_t i = 0; i < length; i++) {
    struct link *link = mw_new(struct link);
    link->next = ballast;
    ballast = link;
  }
  return hidden;
}

static uint64_t seed_from_environment(void) {
  const char *text = getenv("MW_TEST_SEED");
  return text && *text ? strtoull(text, NULL, 0) : (uint64_t)mw_nanotime();
}

static int usage(void) {
  fputs("usage: mutator [-t SECONDS | -n STEPS] [-g GOROUTINES] [-b BALLAST]\n", stderr);
  return 64;
}

int main(int argc, char **argv) {
  long seconds = 10, total_steps = 0, workers = 64, ballast_links = 100000;
  for (int opt; (opt = getopt(argc, argv, "t:n:g:b:")) != -1;) {
    long value = opt == '?' ? -1 : atol(optarg);
    if (value < 0) return usage();
    if (opt == 't') seconds = value;
    if (opt == 'n') total_steps = value;
    if (opt == 'g') workers = value;
    if (opt == 'b') ballast_links = value;
  }
  if (workers < 1 || workers > WORKERS_MAX || optind < argc) return usage();
  if (mw_set_max_procs(0) < 2) mw_set_max_procs(2);
  if (total_steps) steps_each = (uint64_t)(total_steps / workers);
  test_seed = seed_from_environment();

  int64_t start_ns = mw_nanotime();
  uintptr_t *hidden_cells = make_ballast((size_t)ballast_links, (uint32_t)workers);
  to_relay[0] = mw_chan_make(struct parcel, 0);
  to_relay[1] = mw_chan_make(struct parcel, CHANNEL_ROOM);
  from_relay = mw_chan_make(struct parcel, CHANNEL_ROOM);
  workers_running = mw_new(mw_waitgroup);
  relays_running = mw_new(mw_waitgroup);
  visitors_running = mw_new(mw_waitgroup);
  mw_chan *idle = mw_chan_make(int64_t, 0);
  mw_waitgroup *collecting = mw_new(mw_waitgroup);

  mw_waitgroup_add(collecting, 1);
  mw_go(collector_goroutine, collecting);
  for (int i = 0; i < 4 * workers; i++) mw_go(idle_goroutine, idle);
  mw_waitgroup_add(relays_running, RELAYS);
  for (int i = 0; i < RELAYS; i++) mw_go(relay_goroutine, NULL);
  mw_waitgroup_add(workers_running, (int)workers);
  for (long i = 0; i < workers; i++) {
    struct job *job = mw_new(struct job);
    job->number = (uint32_t)i;
    job->hidden_cells = hidden_cells[i];
    mw_go(worker, job);
  }
  if (!total_steps) {
    mw_sleep((int64_t)seconds * 1000000000);
    stopping = true;
  }
  mw_waitgroup_wait(workers_running);
  stopping = true;

  /* Empty what is still on its way: relays first, they may wait for a receiver. */
  mw_waitgroup_wait(visitors_running);
  mw_chan_close(to_relay[0]);
  mw_chan_close(to_relay[1]);
  mw_go(close_after_relays, from_relay);
  for (struct parcel p; mw_chan_recv(from_relay, &p);) {
    graph_check(p.root, (struct model *)p.model);
    graph_drop((struct model *)p.model);
  }
  for (int i = 0; i < EXCHANGE; i++) {
    struct node *root = atomic_exchange(&exchange[i], NULL);
    if (!root) continue;
    graph_check(root, model_of(root));
    graph_drop(model_of(root));
  }
  mw_chan_close(idle);
  mw_waitgroup_wait(collecting);
  if (nodes_in_models) fail("%" PRId64 " nodes left over: graphs got lost", nodes_in_models);
  printf("mutator: seed %" PRIu64 ", %ld goroutines, %" PRIu64 " steps in %.1f s, %" PRIu64
         " collections: intact\n",
         test_seed, workers, steps, (double)(mw_nanotime() - start_ns) / 1e9, collections);
  return 0;
}
