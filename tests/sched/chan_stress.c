/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/chan_stress.c -- many senders, many receivers, nothing lost
 *
 *   chan_stress [VALUES-PER-SENDER]
 *
 * For capacities 0, 1, 7 and 128 and mixes of send, try_send and select: each
 * value arrives once, values of one sender in their order at any one
 * receiver, and after the close every receiver ends.  A value is a pointer to
 * a fresh object that knows its sender and number, so a collection that
 * misses one in flight shows.
 */
#include "check.h"

enum { SENDERS = 6, RECEIVERS = 5 };

typedef struct item {
  struct item *self;
  long sender, number;
} item;

typedef struct run {
  mw_chan *c, *spare;
  long per_sender;
  mw_waitgroup senders, receivers;
  _Atomic long got;
  _Atomic int next_id;
  _Atomic unsigned char *seen; /* sender * per_sender + number */
} run;

static void sender(void *arg) {
  run *r = arg;
  long id = r->next_id++;
  rng g = rng_for((unsigned long long)id);
  for (long i = 0; i < r->per_sender; i++) {
    item *it = mw_new(item);
    it->self = it;
    it->sender = id;
    it->number = i;
    switch (rng_below(&g, 4)) {
    case 0: { /* not for ever: without room, a try never meets a try */
      bool sent = false;
      for (int k = 0; k < 10 && !(sent = mw_chan_try_send(r->c, it)); k++) mw_yield();
      if (!sent) mw_chan_send(r->c, it);
      break;
    }
    case 1: {
      item *none;
      mw_case cases[] = {mw_case_recv(r->spare, &none), mw_case_send(r->c, &it)};
      CHECK_EQ(mw_select(cases, 2), 1);
      break;
    }
    default:
      mw_chan_send(r->c, it);
    }
  }
  mw_waitgroup_done(&r->senders);
}

static void receiver(void *arg) {
  run *r = arg;
  long last[SENDERS];
  for (int i = 0; i < SENDERS; i++) last[i] = -1;
  rng g = rng_for((unsigned long long)(100 + r->next_id++));
  for (;;) {
    item *it = NULL;
    bool ok;
    switch (rng_below(&g, 4)) {
    case 0: {
      int got = -1;
      for (int k = 0; k < 10 && (got = mw_chan_try_recv(r->c, &it)) < 0; k++) mw_yield();
      ok = got < 0 ? mw_chan_recv(r->c, &it) : got == 1;
      break;
    }
    case 1: {
      item *none;
      mw_case cases[] = {mw_case_recv(r->c, &it), mw_case_recv(r->spare, &none),
                         mw_case_recv(NULL, &none)};
      CHECK_EQ(mw_select(cases, 3), 0);
      ok = cases[0].ok;
      break;
    }
    default:
      ok = mw_chan_recv(r->c, &it);
    }
    if (!ok) {
      CHECK(it == NULL);
      break;
    }
    CHECK(it->self == it && it->sender >= 0 && it->sender < SENDERS);
    CHECK(it->number > last[it->sender]);
    last[it->sender] = it->number;
    CHECK_EQ(r->seen[it->sender * r->per_sender + it->number]++, 0);
    r->got++;
  }
  mw_waitgroup_done(&r->receivers);
}

int main(int argc, char **argv) {
  check_start();
  long per_sender = arg_or(argc, argv, 1, 5000);
  const size_t caps[] = {0, 1, 7, 128};
  for (size_t k = 0; k < sizeof caps / sizeof caps[0]; k++) {
    run *r = mw_new(run);
    r->c = mw_chan_make(item *, caps[k]);
    r->spare = mw_chan_make(item *, 0);
    r->per_sender = per_sender;
    r->seen = mw_alloc_noscan((size_t)(SENDERS * per_sender));
    mw_waitgroup_add(&r->senders, SENDERS);
    mw_waitgroup_add(&r->receivers, RECEIVERS);
    for (int i = 0; i < SENDERS; i++) mw_go(sender, r);
    while (r->next_id < SENDERS) mw_yield(); /* sender numbers first */
    for (int i = 0; i < RECEIVERS; i++) mw_go(receiver, r);
    mw_waitgroup_wait(&r->senders);
    mw_chan_close(r->c);
    mw_waitgroup_wait(&r->receivers);
    CHECK_EQ(r->got, SENDERS * per_sender);
    CHECK_EQ(mw_chan_len(r->c), 0);
  }
  puts("ok");
  return 0;
}
