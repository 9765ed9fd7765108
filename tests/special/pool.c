/* SPDX-License-Identifier: MIT */
/*
 * tests/special/pool.c -- mw_pool: one owner at a time, reuse, emptied by the collector
 *
 * Run with clobberfree=1.  Pools in memory that the collector does not know, and in collected
 * memory that the program has let go, are on the runtime's list alone.
 */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sched/check.h"
#include "base/abi.h"

typedef struct item {
  struct item *self;
  _Atomic int owners;
  char payload[100];
} item;

static _Atomic long made;

static void *make_item(void) {
  item *i = mw_new(item);
  i->self = i;
  made++;
  return i;
}

static mw_pool pool = {.make = make_item};
static mw_pool empty;

static void use(item *i) {
  CHECK(i->self == i);
  CHECK(atomic_fetch_add(&i->owners, 1) == 0); /* [Q1] */
}

static void worker(void *arg) {
  mw_waitgroup *wg = arg;
  item *held[8] = {0};
  for (int round = 0; round < 30000; round++) {
    int k = rand() % 8;
    if (held[k]) {
      held[k]->owners = 0;
      item *i = held[k];
      held[k] = NULL;
      mw_pool_put(&pool, i);
    } else {
      held[k] = mw_pool_get(&pool);
      use(held[k]);
    }
    if (round % 100 == 0) mw_yield();
    if (round % 5000 == 0) mw_gc();
  }
  mw_waitgroup_done(wg);
}

static void reuse(void) {
  long before = made;
  for (int i = 0; i < 100000; i++) {
    item *a = mw_pool_get(&pool), *b = mw_pool_get(&pool);
    CHECK(a != b);
    mw_pool_put(&pool, a);
    mw_pool_put(&pool, b);
  }
  CHECK(made - before <
        1000); /* allocations fall: cycles and moves between processors cost a few */
}

static void emptied(void) {
  static mw_pool own = {.make = make_item};
  for (int i = 0; i < 100; i++) {
    item *it = make_item();
    mw_pool_put(&own, it);
  }
  long before = made;
  mw_gc();
  item *survivor = mw_pool_get(&own); /* the victim generation */
  CHECK(survivor->self == survivor && made == before);
  mw_gc();
  mw_gc();
  mw_pool_get(&own);
  CHECK(made == before + 1);
}

static __attribute__((noinline)) void wipe(void) {
  volatile unsigned long old[1024]; /* a memset would be taken away */
  for (int i = 0; i < 1024; i++) old[i] = 0;
}
static __attribute__((noinline)) void put_new(mw_pool *p) {
  mw_pool_put(p, make_item());
}
static void collect(void) {
  wipe();
  mw_gc();
  mw_gc();
  for (int i = 0; i < 1000; i++) make_item();
}
static __attribute__((noinline)) bool gives(mw_pool *p) {
  item *i = mw_pool_get(p);
  CHECK(!i || i->self == i);
  return i != NULL;
}

/* Three pools, used again one by one while they are old: in each order, and some not at all. */
static void used_again(void) {
  enum { N = 3 };
  mw_pool *p[N];
  const char *knobs = getenv("GODEBUG");
  bool stressed = knobs && strstr(knobs, "gcstress"); /* cycles come in between */
  int procs = mw_set_max_procs(1); /* what is in another processor's private slot is not given */
  for (int i = 0; i < N; i++) p[i] = calloc(1, sizeof *p[i]);
  for (int order = 0; order < 4 * 4 * 4; order++) {
    for (int i = 0; i < N; i++) put_new(p[i]);
    wipe();
    mw_gc();
    bool again[N] = {false};
    for (int k = 0, o = order; k < N; k++, o /= 4)
      if (o % 4 < N && !again[o % 4]) {
        put_new(p[o % 4]);
        again[o % 4] = true;
      }
    wipe();
    mw_gc();
    for (int n = 0; n < 1000; n++) make_item();
    for (int i = 0; i < N; i++) CHECK(gives(p[i]) == again[i] || stressed);
    collect();
    for (int i = 0; i < N; i++) CHECK(!gives(p[i]));
  }
  for (int i = 0; i < N; i++) put_new(p[i]); /* the last cycles take them off the list */
  collect();
  mw_gc();
  for (int i = 0; i < N; i++) free(p[i]);
  mw_set_max_procs(procs);
}

static __attribute__((noinline)) void use_one(void) {
  put_new(mw_new(mw_pool));
}
static void let_go(void) {
  for (int i = 0; i < 20; i++) {
    for (int k = 0; k < 5; k++) use_one();
    wipe();
    mw_gc();
    for (int n = 0; n < 1000; n++) make_item();
  }
  collect();
}

/* ---- First used while marking is on -------------------------------------------- */

static bool marking(void) {
  bool on;
  __asm__ volatile("movb %%gs:%c1, %0" : "=q"(on) : "i"(MWI_TCB_WB));
  return on;
}

static volatile bool ready, collected, wake;

static __attribute__((noinline)) mw_pool *wait_with(mw_pool *p) {
  ready = true;
  while (!marking() && !collected) mw_yield();
  for (volatile int i = 0; i < 100000; i++) mw_keep_alive(p); /* other roots are done, stacks not */
  return p;
}
static __attribute__((noinline)) void use_late(void) {
  put_new(wait_with(mw_new(mw_pool)));
}
static void uses_late(void *arg) {
  use_late();
  wipe();
  mw_waitgroup_done(arg);
}
static void rests(void *arg) {
  while (!wake) mw_sleep(100000000);
  mw_waitgroup_done(arg);
}

/* A pool that only a stack knows, put on the list when the list has been scanned, and forgotten
 * before the stack is. */
static void listed_while_marking(void) {
  enum { RESTING = 20000 }; /* scanned before the one that counts */
  static mw_waitgroup wg;
  int procs = mw_set_max_procs(2);
  wake = false;
  mw_waitgroup_add(&wg, RESTING);
  for (int i = 0; i < RESTING; i++) mw_go(rests, &wg);
  mw_yield();
  for (int i = 0; i < 10; i++) {
    ready = collected = false;
    mw_waitgroup_add(&wg, 1);
    mw_go(uses_late, &wg);
    while (!ready) mw_yield();
    mw_gc();
    collected = true;
    for (int n = 0; n < 1000; n++) make_item();
    collect();
  }
  wake = true;
  mw_waitgroup_wait(&wg);
  mw_set_max_procs(procs);
}

int main(void) {
  CHECK(mw_pool_get(&empty) == NULL);
  mw_pool_put(&empty, NULL);
  item *i = make_item();
  mw_pool_put(&empty, i);
  CHECK(mw_pool_get(&empty) == i);
  CHECK(mw_pool_get(&empty) == NULL);
  reuse();
  emptied();
  used_again();
  let_go();
  listed_while_marking();
  mw_waitgroup *wg = mw_new(mw_waitgroup);
  for (int g = 0; g < 16; g++) {
    mw_waitgroup_add(wg, 1);
    mw_go(worker, wg);
  }
  mw_waitgroup_wait(wg);
  puts("pool: ok");
}
