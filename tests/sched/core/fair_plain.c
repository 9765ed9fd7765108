/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fair_plain.c -- see fair.h */
#include "fair.h"

void plain_echo(mw_chan *from, mw_chan *to, _Atomic int *stop) {
  long v;
  while (!*stop && mw_chan_recv(from, &v)) mw_chan_send(to, v);
}

void plain_takes(void *object) {
  (void)object;
}
