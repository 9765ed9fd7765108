/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/chan_large.c -- values that do not fit into a waiter
 *
 * Who has to wait makes a buffer for his value first, without the channel's lock: an allocation
 * may collect, and others run.  Who came to the channel meanwhile must be seen then, or both wait
 * for ever.  With gcstress=1 each of these allocations collects.
 */
#include "check.h"

enum { ROUNDS = 2000 };
typedef struct large {
  int *number;
  long room[30];
} large;

static large make(int i) {
  large l = {mw_new(int), {i}};
  *l.number = i;
  l.room[29] = ~i;
  return l;
}
static void check(const large *l, int i) {
  CHECK(*l->number == i && l->room[0] == i && l->room[29] == ~i);
}

static mw_chan *there, *back;
static void answers(void *unused) {
  (void)unused;
  rng r = rng_for(1);
  large l;
  for (int i = 0;; i++) {
    for (unsigned k = rng_below(&r, 3); k > 0; k--) mw_yield();
    if (!mw_chan_recv(there, &l)) break;
    check(&l, i);
    for (unsigned k = rng_below(&r, 3); k > 0; k--) mw_yield();
    mw_chan_send(back, l);
  }
}

int main(void) {
  check_start();
  rng r = rng_for(2);
  there = mw_chan_make(large, 0);
  back = mw_chan_make(large, 0);
  mw_go(answers, NULL);
  for (int i = 0; i < ROUNDS; i++) {
    large l = make(i);
    for (unsigned k = rng_below(&r, 3); k > 0; k--) mw_yield();
    mw_chan_send(there, l);
    for (unsigned k = rng_below(&r, 3); k > 0; k--) mw_yield();
    CHECK(mw_chan_recv(back, &l));
    check(&l, i);
  }
  puts("ok");
  return 0;
}
