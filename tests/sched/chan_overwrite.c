/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/chan_overwrite.c -- what a receive overwrites counts as deleted
 *
 *   chan_overwrite [ROUNDS] [NODES] [closed]
 *
 * A receive may write into the heap.  The scene, in each round:
 *
 *   1. a cell refers to an old object X; the cell is at the end of a chain of
 *      NODES nodes, so marking comes to it late;
 *   2. a collection starts; the worker, asleep, is scanned;
 *   3. the worker wakes, loads X from the cell onto its stack, and receives a
 *      new value into the cell: nothing but its stack refers to X now;
 *   4. marking ends without having met X, unless the receive shaded it [CH4];
 *   5. the worker looks at X (clobberfree=1: 0xdeadbeef if it was freed).
 *
 * closed: the channel is, and what the receive writes is zero.
 *
 * The worker finds the cell by an address that is hidden from the collector
 * while it sleeps.  If it wakes too early or too late nothing is tested in
 * that round, and nothing fails.
 */
#include "check.h"

typedef struct object {
  uint64_t id, check;
} object;

typedef struct chain_link {
  struct chain_link *next;
  object *cell;
} chain_link;

typedef struct scene {
  mw_chan *values; /* of object * */
  mw_chan *go, *done;
  uintptr_t hidden; /* ~ address of the last link */
  bool closed;
} scene;

static object *make_object(uint64_t id) {
  object *o = mw_new(object);
  o->id = id;
  o->check = ~id;
  return o;
}

/* Old object out, new object in; in a frame of its own. */
__attribute__((noinline)) static object *exchange(scene *s) {
  chain_link *last = (chain_link *)~s->hidden;
  object *old = last->cell;
  CHECK(mw_chan_recv(s->values, &last->cell) == !s->closed);
  CHECK(!s->closed || last->cell == NULL);
  return old;
}

/* For the next round. */
__attribute__((noinline)) static void refill(scene *s, uint64_t id) {
  ((chain_link *)~s->hidden)->cell = make_object(id);
}

static void work(void *arg) {
  scene *s = arg;
  int64_t delay;
  while (mw_chan_recv(s->go, &delay)) {
    mw_sleep(delay);
    object *old = exchange(s);
    CHECK(mw_chan_recv(s->go, &delay));                  /* the collection is over */
    for (int i = 0; i < 1000; i++) (void)make_object(1); /* sweeps, and takes freed slots */
    CHECK_EQ(old->check, ~old->id);
    CHECK(old->id != 1);
    if (s->closed) refill(s, old->id + 1);
    mw_chan_send(s->done, 1);
  }
}

/* The chain's keeper is started, and so scanned, after the worker. */
static void keep(void *arg) {
  scene *s = arg;
  long nodes;
  CHECK(mw_chan_recv(s->go, &nodes));
  chain_link *chain = mw_new(chain_link);
  chain->cell = make_object(2);
  s->hidden = ~(uintptr_t)chain;
  for (long i = 0; i < nodes; i++) {
    chain_link *l = mw_new(chain_link);
    l->next = chain;
    chain = l;
  }
  mw_chan_send(s->done, 1);
  mw_chan_recv(mw_chan_make(int, 0), NULL);
  mw_keep_alive(chain);
}

int main(int argc, char **argv) {
  check_start();
  long rounds = arg_or(argc, argv, 1, 12), nodes = arg_or(argc, argv, 2, 1000000);
  scene *s = mw_new(scene);
  s->values = mw_chan_make(object *, 1);
  s->go = mw_chan_make(int64_t, 0);
  s->done = mw_chan_make(int, 0);
  scene *k = mw_new(scene);
  k->go = mw_chan_make(long, 0);
  k->done = s->done;
  mw_go(work, s);
  mw_go(keep, k);
  mw_chan_send(k->go, nodes);
  mw_chan_recv(s->done, NULL);
  s->hidden = k->hidden;
  s->closed = argc > 3;
  if (s->closed) mw_chan_close(s->values);
  for (long r = 0; r < rounds; r++) {
    if (!s->closed) mw_chan_send(s->values, make_object((uint64_t)r + 3));
    mw_gc(); /* the new value is old */
    mw_chan_send(s->go, (int64_t)(r % 4 + 1) * 1000000);
    mw_gc();
    mw_chan_send(s->go, (int64_t)0);
    mw_chan_recv(s->done, NULL);
  }
  puts("ok");
  return 0;
}
