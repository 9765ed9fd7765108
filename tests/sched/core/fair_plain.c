/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fair_plain.c -- see fair.h */
#define _GNU_SOURCE 1
#include "fair.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

void plain_echo(mw_chan *from, mw_chan *to, _Atomic int *stop) {
  long v;
  while (!*stop && mw_chan_recv(from, &v)) mw_chan_send(to, v);
}

_Atomic clockid_t plain_clock;
_Atomic int64_t plain_from, plain_noted;

static void *looks(void *unused) {
  for (;;) {
    struct timespec t = {.tv_nsec = 1000000};
    nanosleep(&t, NULL);
    int64_t from = plain_from;
    if (!from || plain_noted || clock_gettime(plain_clock, &t) != 0) continue;
    int64_t since = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec - from;
    if (since >= 10000000 && from == plain_from) plain_noted = since;
  }
  return unused;
}

void plain_looks(void) {
  pthread_t t;
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  if (pthread_create(&t, NULL, looks, NULL) != 0) abort();
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void plain_takes(void *object) {
  (void)object;
}
