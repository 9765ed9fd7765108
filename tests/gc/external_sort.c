/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/external_sort.c -- external code that moves the only pointers to objects
 *
 *     external_sort plain|callback|preempted|blocks|threads|ends|collects|large|deep|libc
 *                   [SECONDS]
 *
 * A plain library sorts pointers, without barriers, and is in the middle of it
 * when marking begins:
 *
 *   plain      compared there, too: marking begins in external code
 *   callback   compared by a function with a loop: marking begins at a poll of
 *              it, with the library's frames below
 *   preempted  the same on one processor with others that want it
 *   blocks     and waits for a channel now and then: marking begins, and ends,
 *              while the sorter is parked inside the sort
 *   threads    the same on threads of the program's own
 *   ends       on threads, which allocate in it, on one processor where hardly anybody else marks:
 *              they end the collections, each with the library's frames below
 *   collects   and begins collections itself
 *   large      and makes large objects: marking begins while one is being zeroed
 *   deep       and recurses: the library's frames are below more of ours than a
 *              park looks at
 *   libc       the call is qsort's, which mallow replaces (gc/sort.c)
 *
 * After the sort the array hangs on an object that no stack points to.  Every
 * node is there, unchanged.  Run with clobberfree=1.
 */
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain_sort.h"

typedef struct node {
  unsigned long key, check;
  struct node *self;
} node;
typedef struct holder {
  node **array;
  struct holder *other;
} holder;

enum { N = 60000 };
static _Atomic bool over;
static mw_waitgroup done;
static bool callback, libc, blocks, collects, large, deep, ends;
static mw_chan *questions, *answers;

static void answer(void *unused) {
  (void)unused;
  int q;
  while (mw_chan_recv(questions, &q)) mw_chan_send(answers, q);
}

static volatile unsigned sink;
static char *volatile garbage;

static __attribute__((noinline)) unsigned recurse(int n) {
  volatile unsigned here = (unsigned)n;
  if (n > 0) return recurse(n - 1) + here;
  for (int i = 0; i < 50000; i++) sink++; /* marking begins here, mostly */
  return here;
}

/* In the middle of a sort. */
static void pause_there(void) {
  static _Atomic unsigned turns;
  unsigned turn = turns++;
  if (blocks && turn % 512 == 0) {
    int q = 1;
    mw_chan_send(questions, q);
    mw_chan_recv(answers, &q);
  }
  if (deep && turn % 4096 == 0) sink += recurse(6000);
  if (collects && turn % 16384 == 0) mw_gc();
  if (ends) garbage = mw_make(char, 200 + turn % 200);
  if (large && turn % 512 == 0) {
    char *p = mw_alloc(1000000);
    for (int i = 0; i < 1000000; i += 1000)
      if (p[i]) puts("FAIL: a large object is not zero"), exit(1);
    memset(p, 1, 1000000);
  }
}

static int compare(const void *a, const void *b) {
  if (blocks || collects || large || deep || ends) pause_there();
  const unsigned char *x = (const unsigned char *)*(node *const *)a;
  const unsigned char *y = (const unsigned char *)*(node *const *)b;
  for (int i = 7; i >= 0; i--) /* by the key's bytes: a loop, and so a poll */
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  return 0;
}

static __attribute__((noinline)) void fill(holder *h, unsigned long seed) {
  h->array = mw_make(node *, N);
  for (unsigned long i = 0; i < N; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    node *n = mw_new(node);
    n->key = seed >> 8;
    n->check = ~n->key;
    n->self = n;
    h->array[i] = n;
  }
}

static __attribute__((noinline)) void sort(holder *h) {
  if (libc)
    qsort(h->array, N, sizeof h->array[0], compare);
  else if (callback)
    plain_sort(h->array, N, compare);
  else
    plain_sort_keys(h->array, N);
}

static __attribute__((noinline)) void wipe(void) {
  volatile unsigned old[1024]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 1024; i++) old[i] = 0;
}

static __attribute__((noinline)) void verify(holder *h) {
  unsigned long last = 0;
  for (unsigned long i = 0; i < N; i++) {
    node *n = h->array[i];
    if (n->self != n || n->check != ~n->key || n->key < last) {
      printf("FAIL: node %lu of %d at %p has key %lx, check %lx\n", i, N, (void *)n, n->key,
             n->check);
      exit(1);
    }
    last = n->key;
  }
}

static _Atomic int sorts;
static void sorter(void *arg) {
  holder *h = mw_new(holder);
  for (unsigned long seed = (unsigned long)(uintptr_t)arg; !over; seed++) {
    fill(h, seed);
    sort(h);
    wipe();
    if (!ends) mw_gc();
    verify(h);
    sorts++;
  }
  mw_waitgroup_done(&done);
}

static void *sorter_thread(void *arg) {
  sorter(arg);
  return NULL;
}

static void busy(void *arg) {
  (void)arg;
  while (!over) sink++;
  mw_waitgroup_done(&done);
}

static void begin(void (*fn)(void *), uintptr_t arg) {
  mw_waitgroup_add(&done, 1);
  mw_go(fn, (void *)arg);
}

/* Collections that the sorts' garbage has brought about. */
static int automatic(void) {
  mw_mem_stats stats;
  mw_read_mem_stats(&stats);
  return (int)stats.num_gc;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "plain";
  callback = strcmp(what, "plain") != 0;
  libc = strcmp(what, "libc") == 0;
  bool preempted = strcmp(what, "preempted") == 0, threads = strcmp(what, "threads") == 0;
  ends = strcmp(what, "ends") == 0;
  blocks = threads || strcmp(what, "blocks") == 0;
  collects = strcmp(what, "collects") == 0;
  large = strcmp(what, "large") == 0;
  deep = strcmp(what, "deep") == 0;
  questions = mw_chan_make(int, 0);
  answers = mw_chan_make(int, 2);
  if (blocks) mw_go(answer, NULL);
  threads |= ends;
  mw_set_max_procs(preempted || ends ? 1 : 3);
  pthread_t t[2];
  if (threads) {
    mw_waitgroup_add(&done, 2);
    for (uintptr_t i = 0; i < 2; i++) pthread_create(&t[i], NULL, sorter_thread, (void *)(i << 20));
  } else {
    begin(sorter, 1);
    if (!preempted) begin(sorter, 1000000);
  }
  if (preempted) begin(busy, 0);
  int64_t end = mw_nanotime() + (argc > 2 ? atol(argv[2]) : 2) * INT64_C(1000000000);
  int collections = 0;
  while (mw_nanotime() < end || collections < 3) {
    if (!ends) mw_gc();
    collections = ends ? automatic() : collections + 1;
    mw_sleep(ends ? 10000000 : 100000);
  }
  over = true;
  mw_waitgroup_wait(&done);
  for (int i = 0; threads && i < 2; i++) pthread_join(t[i], NULL);
  printf("%d sorts, %d collections beside them\nok\n", sorts, collections);
  return 0;
}
