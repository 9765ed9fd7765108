/* SPDX-License-Identifier: MIT */
/* escape/sent.c -- a pointer is sent on a channel */
#include <mallow.h>
#include <stdio.h>

struct order {
  int id, amount;
};

static void clerk(void *arg) {
  mw_chan *orders = arg;
  for (int i = 1; i <= 3; i++) {
    struct order o = {i, i * 10}; /* a new one in each turn */
    mw_chan_send(orders, &o);
  }
  mw_chan_close(orders);
}

int main(void) {
  mw_chan *orders = mw_chan_make(struct order *, 3);
  mw_go(clerk, orders);
  struct order *o;
  while (mw_chan_recv(orders, &o)) printf("order %d: %d\n", o->id, o->amount);
}
