/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/no_lost_wakeup.c -- the moment between looking and parking
 *
 *   no_lost_wakeup [ROUNDS]
 *
 * Pairs of goroutines that wake each other as fast as they can through every
 * primitive.  A wake-up that is lost ends in a deadlock, which the runtime
 * reports.  Works best with more processors than CPUs.
 */
#include "check.h"

enum { PAIRS = 4 };
static long rounds;

typedef struct both {
  mw_chan *a, *b;
  mw_sem x, y;
  mw_mutex m;
  mw_cond c;
  long turn;
  mw_waitgroup *wg;
} both;

static void pong(void *arg) {
  both *p = arg;
  long v = 0;
  for (long i = 0; i < rounds; i++) {
    CHECK(mw_chan_recv(p->a, &v) && v == i);
    mw_chan_send(p->b, i);
  }
  for (long i = 0; i < rounds; i++) {
    mw_sem_acquire(&p->x);
    mw_sem_release(&p->y);
  }
  mw_mutex_lock(&p->m);
  for (long i = 0; i < rounds; i++) {
    while (p->turn % 2 == 0) mw_cond_wait(&p->c, &p->m);
    p->turn++;
    mw_cond_signal(&p->c);
  }
  mw_mutex_unlock(&p->m);
  for (long i = 0; i < rounds; i++) {
    mw_case cases[] = {mw_case_recv(p->a, &v), mw_case_recv(p->b, &v)};
    int k = mw_select(cases, 2);
    CHECK_EQ(v, i);
    mw_chan_send(k == 0 ? p->b : p->a, i);
  }
  mw_waitgroup_done(p->wg);
}

static void ping(void *arg) {
  both *p = arg;
  long v = 0;
  for (long i = 0; i < rounds; i++) {
    mw_chan_send(p->a, i);
    CHECK(mw_chan_recv(p->b, &v) && v == i);
  }
  for (long i = 0; i < rounds; i++) {
    mw_sem_release(&p->x);
    mw_sem_acquire(&p->y);
  }
  mw_mutex_lock(&p->m);
  for (long i = 0; i < rounds; i++) {
    while (p->turn % 2 == 1) mw_cond_wait(&p->c, &p->m);
    p->turn++;
    mw_cond_signal(&p->c);
  }
  mw_mutex_unlock(&p->m);
  for (long i = 0; i < rounds; i++) {
    if (i % 2) {
      mw_chan_send(p->a, i);
      CHECK(mw_chan_recv(p->b, &v) && v == i);
    } else {
      mw_chan_send(p->b, i);
      CHECK(mw_chan_recv(p->a, &v) && v == i);
    }
  }
  mw_waitgroup_done(p->wg);
}

int main(int argc, char **argv) {
  check_start();
  rounds = arg_or(argc, argv, 1, 20000);
  mw_waitgroup *wg = mw_new(mw_waitgroup);
  mw_waitgroup_add(wg, 2 * PAIRS);
  for (int i = 0; i < PAIRS; i++) {
    both *p = mw_new(both);
    p->a = mw_chan_make(long, 0);
    p->b = mw_chan_make(long, 0);
    p->wg = wg;
    mw_go(pong, p);
    mw_go(ping, p);
  }
  mw_waitgroup_wait(wg);
  puts("ok");
  return 0;
}
