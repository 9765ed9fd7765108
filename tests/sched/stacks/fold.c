/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/fold.c -- stacks of idle goroutines are folded, and come back [L1]-[L3]
 *
 *     fold CASE
 *
 * Cases    idle      memory, statistics and contents of many, parked, resumed, parked again;
 *                    what only a folded stack points to stays alive
 *          stray     writes from a goroutine and from a thread of no runtime, through
 *                    addresses that the compiler does not know, while collections fold
 *          external  a goroutine parked in a callback of external code is not folded
 *          trace     mw_print_goroutines shows the frames of a folded goroutine
 *          busy      goroutines that run between collections are not folded
 *          shrink    pages that a deep call left go back; also for one that stays busy
 *          dead      memory of stacks whose goroutines have ended goes back
 *          fork      a child made while stacks are folded can collect
 * Run with GODEBUG=foldstress=1 as well, and without guard markers.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../parked.h"
#include "../check.h"
#include "cell.h"

static size_t kb_of(const char *file, const char *field) {
  char line[256];
  size_t kb = 0;
  FILE *f = fopen(file, "r");
  CHECK(f);
  while (fgets(line, sizeof line, f))
    if (strncmp(line, field, strlen(field)) == 0) kb = strtoul(line + strlen(field), NULL, 10);
  fclose(f);
  CHECK(kb > 0);
  return kb;
}
/* Whatever the system's setting is: of huge pages, the first use of a thread's stack makes 2 MB. */
static void small_pages(void) {
  (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}
/* Pages and page tables.  VmRSS may be wrong by some hundred pages for each CPU: the kernel adds up
 * what threads and CPUs have counted when they have counted enough. */
static size_t memory(void) {
  return (kb_of("/proc/self/smaps_rollup", "Rss:") + kb_of("/proc/self/status", "VmPTE:")) << 10;
}

/* With few boundaries blocks of slots stay open, with a page of page table for eight slots; without
 * markers goroutines are then folded as they park. */
#ifdef FEW_BOUNDARIES
enum { FEW = 1, TABLES = 512 };
#else
enum { FEW = 0, TABLES = 0 };
#endif

/* A runtime that is not optimised needs nearly a page below a parked goroutine's own frames, which
 * is not worth folding (cell.h): with so many WORDS there they are two pages. */
#ifdef UNOPTIMISED
enum { WORDS = 148, RUNTIME = 5000 };
#else
enum { WORDS = 20, RUNTIME = 0 };
#endif

static bool fold_at_park(void) {
  const char *s = getenv("GODEBUG");
  return (s && strstr(s, "foldstress=1")) || (FEW && getenv("MALLOW_FAIL"));
}

static void collect(int n) {
  while (n-- > 0) mw_gc();
}

/* ---- idle -------------------------------------------------------------- */

typedef struct node {
  struct node *next;
  uint64_t value;
} node;

static mw_waitgroup at_rest, done;
static mw_chan *go_on;
static _Atomic uint64_t sum;

__attribute__((noinline)) static uint64_t rounds(uint64_t id, node *list) {
  volatile uint64_t kept[WORDS];
  for (int i = 0; i < WORDS; i++) kept[i] = id * 31 + (uint64_t)i;
  for (int round = 0; round < 3; round++) {
    mw_waitgroup_done(&at_rest);
    CHECK(mw_chan_recv(go_on, NULL));
    for (int i = 0; i < WORDS; i++) CHECK_EQ(kept[i], id * 31 + (uint64_t)i + (uint64_t)round);
    for (int i = 0; i < WORDS; i++) kept[i] = kept[i] + 1;
    uint64_t n = 0;
    for (node *p = list; p; p = p->next) n += p->value == id;
    CHECK_EQ(n, 5);
  }
  return list->value;
}

static void idler(void *arg) {
  uint64_t id = (uint64_t)(uintptr_t)arg;
  node *list = NULL;
  for (int i = 0; i < 5; i++) {
    node *n = mw_new(node);
    n->next = list;
    n->value = id;
    list = n;
  }
  sum += rounds(id, list);
  mw_waitgroup_done(&done);
}

static void idle(void) {
  enum { N = 5000 };
  small_pages();
  go_on = mw_chan_make(char, 0);
  mw_waitgroup_add(&done, N);
  mw_waitgroup_add(&at_rest, N);
  size_t before = memory();
  for (uintptr_t i = 0; i < N; i++) mw_go(idler, (void *)i);
  for (int round = 0; round < 3; round++) {
    mw_waitgroup_wait(&at_rest);
    size_t parked = memory() - before;
    collect(3);
    uint64_t f = stacks_folded();
    CHECK(f > (uint64_t)N * 300 && f < (uint64_t)N * (1000 + RUNTIME));
    size_t after = memory() - before;
    printf("round %d: %zu bytes each, folded %zu, of them stack %lu\n", round, parked / N,
           after / N, (unsigned long)(f / N));
    CHECK(after / N < 1500 + TABLES + RUNTIME);
    if (!fold_at_park()) CHECK(parked / N > 3000);
    if (round < 2) mw_waitgroup_add(&at_rest, N);
    for (int i = 0; i < N; i++) mw_chan_send(go_on, (char)1);
  }
  mw_waitgroup_wait(&done);
  CHECK_EQ(sum, (uint64_t)N * (N - 1) / 2);
  collect(3);
  CHECK_EQ(stacks_folded() / 5000, 0);
}

/* ---- stray ------------------------------------------------------------- */

static _Atomic uintptr_t cell_at;
static _Atomic bool stop;

static _Atomic uint64_t found;
static void holder(void *ch) {
  found = cell_hold(&cell_at, ch);
  mw_waitgroup_done(&done);
}

static _Atomic uint64_t thread_wrote;
static void *thread(void *unused) {
  (void)unused;
  while (!stop) thread_wrote += plain_add(cell_at, 100);
  return NULL;
}

static void stray(void) {
  mw_chan *ch = mw_chan_make(char, 0);
  pthread_t t;
  uint64_t wrote = 0;
  for (int variant = 0; variant < 3; variant++) {
    cell_at = 0;
    stop = false;
    thread_wrote = wrote = 0;
    mw_waitgroup_add(&done, 1);
    mw_go(holder, ch);
    until_parked(1, "[chan receive");
    int folds = 0;
    if (variant == 2) CHECK(pthread_create(&t, NULL, thread, NULL) == 0);
    for (int i = 0; i < (variant == 2 ? 400 : 100); i++) {
      collect(2);
      folds += stacks_folded() > 0;
      if (variant == 2) continue;
      if (variant == 1)
        wrote += plain_add(cell_at, 1);
      else
        *(volatile uint64_t *)cell_at = ++wrote; /* from this goroutine, compiled */
      CHECK_EQ(*(volatile uint64_t *)cell_at, wrote);
    }
    stop = true;
    if (variant == 2) pthread_join(t, NULL);
    printf("variant %d: folded at %d looks\n", variant, folds);
    if (variant < 2) CHECK(folds > 50);
    mw_chan_send(ch, (char)1);
    mw_waitgroup_wait(&done);
    CHECK_EQ(found, wrote + thread_wrote);
  }
}

/* ---- external, trace, busy ------------------------------------ */

static mw_chan *never;
static int callback(void) {
  mw_chan_recv(never, NULL);
  return 0;
}
static void call_external(void *unused) {
  (void)unused;
  plain_call(callback);
}
static void external(void) {
  never = mw_chan_make(char, 0);
  mw_go(call_external, NULL);
  until_parked(1, "[chan receive");
  collect(4);
  CHECK_EQ(stacks_folded(), 0);
}

__attribute__((noinline)) static void a_frame_to_find(void) {
  volatile char more[1000]; /* as in cell.h: worth folding with a runtime that is not optimised */
  more[never == NULL] = 1;
  mw_chan_recv(never, NULL);
  never = NULL;
}
static void parks(void *unused) {
  a_frame_to_find();
  mw_keep_alive(unused); /* no tail call */
}
static void park_one(void) {
  never = mw_chan_make(char, 0);
  mw_go(parks, NULL);
  until_parked(1, "[chan receive");
  collect(4);
}

static void trace(void) {
  park_one();
  CHECK(stacks_folded() > 0);
  mw_print_goroutines(1);
  CHECK(stacks_folded() > 0);
}

static void busy_one(void *ch) {
  while (mw_chan_recv(ch, NULL)) continue;
}
static void busy(void) {
  mw_chan *ch = mw_chan_make(char, 0);
  for (int i = 0; i < 20; i++) mw_go(busy_one, ch);
  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 20; i++) mw_chan_send(ch, (char)1); /* first come, first served */
    mw_sleep(1000000);
    mw_gc();
    if (!fold_at_park()) CHECK_EQ(stacks_folded(), 0);
  }
  mw_chan_close(ch);
}

/* ---- shrink, dead ------------------------------------------------------ */

#define DEEP (8 << 20)

/* Pages in memory of the 10 MB below `sp`. */
static size_t pages_below(uintptr_t sp) {
  static unsigned char in_core[10 << 8];
  uintptr_t hi = (sp - 65536) & ~(uintptr_t)4095;
  CHECK(mincore((void *)(hi - (10 << 20)), 10 << 20, in_core) == 0);
  size_t n = 0;
  for (size_t i = 0; i < sizeof in_core; i++) n += in_core[i] & 1;
  return n;
}

__attribute__((noinline)) static int dig(int bytes) {
  volatile char page[3000];
  page[0] = 1;
  page[bytes % 3000] = 1;
  return bytes <= 0 ? page[0] : dig(bytes - 3000) + page[0];
}

static _Atomic uintptr_t deep_sp;
static void digger(void *ch) {
  uintptr_t sp;
  __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
  CHECK(dig(DEEP) > 0);
  CHECK(pages_below(sp) > DEEP / 4096 - 20);
  deep_sp = sp;
  while (mw_chan_recv(ch, NULL)) continue;
  mw_waitgroup_done(&done);
}

static void shrink(void) {
  mw_chan *ch = mw_chan_make(char, 0);
  for (int running = 0; running < 2; running++) {
    deep_sp = 0;
    mw_waitgroup_add(&done, 1);
    mw_go(digger, ch);
    until_parked(1, "[chan receive");
    for (int i = 0; i < 10; i++) {
      if (running) mw_chan_send(ch, (char)1); /* never parked from one collection to the next */
      mw_sleep(1000000);
      mw_gc();
    }
    size_t left = pages_below(deep_sp);
    printf("%s: %zu pages left\n", running ? "busy" : "parked", left);
    CHECK(left < 20);
    mw_chan_close(ch);
    ch = mw_chan_make(char, 0);
    mw_waitgroup_wait(&done);
  }
}

static void shallow(void *unused) {
  (void)unused;
  CHECK(dig(50000) > 0);
  mw_waitgroup_done(&at_rest);
  mw_chan_recv(go_on, NULL);
  mw_waitgroup_done(&done);
}

static void dead(void) {
  enum { N = 3000 };
  small_pages();
  size_t before = memory();
  for (int round = 0; round < 2; round++) {
    go_on = mw_chan_make(char, 0);
    mw_waitgroup_add(&done, N);
    mw_waitgroup_add(&at_rest, N);
    for (int i = 0; i < N; i++) mw_go(shallow, NULL);
    mw_waitgroup_wait(&at_rest);
    size_t parked = memory() - before;
    mw_chan_close(go_on);
    mw_waitgroup_wait(&done);
    collect(3);
    size_t after = memory() - before;
    printf("round %d: %zu bytes each, %zu after their end\n", round, parked / N, after / N);
    if (!fold_at_park()) CHECK(parked / N > 50000);
    CHECK(after / N < 2000);
  }
}

/* ---- fork -------------------------------------------------------------- */

static void collects(void *unused) {
  (void)unused;
  while (!stop) mw_gc();
  mw_waitgroup_done(&done);
}

/* While stacks are folded; in the child the others are gone, and it collects. */
static void forks(void) {
  never = mw_chan_make(char, 0);
  mw_waitgroup_add(&done, 1);
  for (int i = 0; i < 3000; i++) mw_go(parks, NULL);
  mw_go(collects, NULL);
  for (int i = 0; i < 20; i++) {
    mw_sleep(3000000);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      CHECK_EQ(mw_num_goroutine(), 1);
      mw_go(parks, NULL);
      collect(3);
      _exit(7);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
  stop = true;
  mw_waitgroup_wait(&done);
}

int main(int argc, char **argv) {
  static const struct check_case cases[] = {
      {"idle", idle}, {"stray", stray},   {"external", external}, {"trace", trace},
      {"busy", busy}, {"shrink", shrink}, {"dead", dead},         {"fork", forks}};
  check_start();
  return CHECK_CASE(cases, argc, argv);
}
