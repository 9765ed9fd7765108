/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/mixture/mixture.c -- everything at once
 *
 *     mixture [-t SECONDS] [-o PART]... [-l]
 *
 * Goroutines of all parts (mixture.h) run beside each other for so long (5
 * seconds); each of them checks what it does.  -o: only these parts, besides the
 * collector's; -l lists them.
 *
 * Shows, ten times a run but at least every half minute, how many rounds each
 * part has done, and what the runtime did meanwhile.  A part that gets nowhere for
 * three minutes is a hang: every goroutine is printed and the program ends.  It goes
 * on until each part has done a round and stacks have been seen folded; all
 * goroutines must end then.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "mixture.h"

#define HANG_S 180
#define SECOND INT64_C(1000000000)

/* ---- What the parts share --------------------------------------------------- */

static _Atomic bool over;
bool mixture_over(void) {
  return over;
}

node *make_nodes(uint64_t id, unsigned n) {
  node *list = NULL;
  while (n-- > 0) {
    node *x = mw_new(node);
    *x = (node){list, id + n, ~(id + n)};
    list = x;
  }
  return list;
}

void check_nodes(const node *list, uint64_t id, unsigned n) {
  for (; n-- > 0; list = list->next, id++) {
    CHECK(list != NULL);
    CHECK_EQ(list->id, id);
    CHECK_EQ(list->check, ~id);
  }
  CHECK(list == NULL);
}

typedef struct call {
  void (*fn)(void *);
  void *arg;
  mw_waitgroup *wg;
} call;
static void run_call(void *p) {
  call *c = p;
  c->fn(c->arg);
  mw_waitgroup_done(c->wg);
}
void spawn(mw_waitgroup *wg, void (*fn)(void *), void *arg) {
  call *c = mw_new(call);
  *c = (call){fn, arg, wg};
  mw_waitgroup_add(wg, 1);
  mw_go(run_call, c);
}

/* ---- Workers ------------------------------------------------------------------ */

enum { MOST = 64 };
typedef struct running {
  const part *part;
  _Atomic uint64_t rounds;
  uint64_t seen; /* the watchdog's */
  int idle_s;
  uint64_t shown;
} running;
static running all[MOST];
static int nall;

typedef struct worker {
  running *of;
  unsigned number;
} worker;
static mw_waitgroup workers;

static void work(void *arg) {
  worker *w = arg;
  rng r = rng_for(w->number);
  while (!over) {
    w->of->part->round(&r);
    w->of->rounds++;
  }
}

static bool wanted(const char *name, int argc, char **argv) {
  bool any = false;
  for (int i = 1; i + 1 < argc; i++) {
    if (strcmp(argv[i], "-o") != 0) continue;
    any = true;
    if (strcmp(argv[i + 1], name) == 0) return true;
  }
  return !any || strcmp(name, "collections") == 0;
}

static void add_parts(const part *p, int argc, char **argv) {
  for (; p->name; p++)
    if (wanted(p->name, argc, argv)) {
      CHECK(nall < MOST);
      all[nall++].part = p;
    }
}

/* ---- A part that hangs: a plain thread looks, as goroutines may not run -------- */

static void *watch(void *unused) {
  (void)unused;
  for (;;) {
    sleep(1); /* counted, not timed: the whole process may be stopped, or clocks set */
    for (int i = 0; i < nall; i++) {
      running *r = &all[i];
      r->idle_s = r->rounds == r->seen ? r->idle_s + 1 : 0;
      r->seen = r->rounds;
      if (r->idle_s < HANG_S) continue;
      fprintf(stderr, "mixture: %s does not move\n", r->part->name);
      kill(getpid(), SIGQUIT);
      sleep(20);
      _exit(1);
    }
  }
  return NULL;
}

/* ---- How late a sleep of a millisecond ends ------------------------------------- */

static _Atomic int64_t latest;
static void clock_goroutine(void *unused) {
  (void)unused;
  while (!over) {
    int64_t begin = mw_nanotime();
    mw_sleep(1000000);
    int64_t late = mw_nanotime() - begin - 1000000;
    if (late > latest) latest = late;
  }
}

/* ---- Progress ------------------------------------------------------------------ */

static void show(int64_t since) {
  static mw_mem_stats s;
  mw_read_mem_stats(&s);
  printf("%4llds  %d goroutines, %u collections, %llu MB in use, %llu KB folded; "
         "longest stop %.1f ms, sleep late by %.0f ms\n",
         (long long)((mw_nanotime() - since) / SECOND), mw_num_goroutine(), s.num_gc,
         (unsigned long long)(s.heap_alloc >> 20), (unsigned long long)(s.stack_folded >> 10),
         (double)s.max_pause_ns / 1e6, (double)latest / 1e6);
  latest = 0;
  int column = 0;
  for (int i = 0; i < nall; i++) {
    uint64_t now = all[i].rounds;
    column += printf("  %s %llu", all[i].part->name, (unsigned long long)(now - all[i].shown));
    all[i].shown = now;
    if (column > 90 || i == nall - 1) {
      putchar('\n');
      column = 0;
    }
  }
  fflush(stdout);
}

int main(int argc, char **argv) {
  long seconds = 5;
  bool list = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "-t") == 0 && i + 1 < argc) seconds = strtol(argv[i + 1], NULL, 10);
    list |= strcmp(argv[i], "-l") == 0;
  }
  check_start();
  add_parts(sync_parts, argc, argv);
  add_parts(io_parts, argc, argv);
  add_parts(process_parts, argc, argv);
  add_parts(memory_parts, argc, argv);
  for (int i = 0; i < nall && list; i++) puts(all[i].part->name);
  if (list) return 0;
  printf("MW_TEST_SEED=%llu\n", check_seed);
  pthread_t t;
  CHECK_EQ(pthread_create(&t, NULL, watch, NULL), 0);
  spawn(&workers, clock_goroutine, NULL);
  unsigned number = 0;
  for (int i = 0; i < nall; i++)
    for (int k = 0; k < all[i].part->workers; k++) {
      worker *w = mw_new(worker);
      *w = (worker){&all[i], ++number};
      spawn(&workers, work, w);
    }
  int64_t begin = mw_nanotime(), end = begin + seconds * SECOND, every = seconds * SECOND / 10;
  if (every > 30 * SECOND) every = 30 * SECOND;
  if (every < 2 * SECOND) every = 2 * SECOND;
  uint64_t most_folded = 0;
  for (int64_t next = begin + every; mw_nanotime() < end || !most_folded;) {
    static mw_mem_stats s;
    mw_sleep(200000000);
    mw_read_mem_stats(&s);
    if (s.stack_folded > most_folded) most_folded = s.stack_folded;
    if (mw_nanotime() < next) continue;
    show(begin);
    next += every;
  }
  for (int i = 0; i < nall; i++)
    while (!all[i].rounds) mw_sleep(1000000);
  over = true;
  mw_waitgroup_wait(&workers);
  show(begin);
  while (mw_num_goroutine() > 1) mw_sleep(1000000); /* those that are about to end */
  puts("ok");
  return 0;
}
