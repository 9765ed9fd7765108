/* SPDX-License-Identifier: MIT */
/*
 * tests/special/pool.c -- mw_pool: one owner at a time, reuse, emptied by the collector
 */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../sched/check.h"

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

int main(void) {
  CHECK(mw_pool_get(&empty) == NULL);
  mw_pool_put(&empty, NULL);
  item *i = make_item();
  mw_pool_put(&empty, i);
  CHECK(mw_pool_get(&empty) == i);
  CHECK(mw_pool_get(&empty) == NULL);
  reuse();
  emptied();
  mw_waitgroup *wg = mw_new(mw_waitgroup);
  for (int g = 0; g < 16; g++) {
    mw_waitgroup_add(wg, 1);
    mw_go(worker, wg);
  }
  mw_waitgroup_wait(wg);
  puts("pool: ok");
}
