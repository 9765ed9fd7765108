/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/structs.c -- pointers that travel inside values
 *
 * Structs passed and returned by value, in variadic arguments, through
 * functions that the optimiser may turn into vector copies, and into atomics.
 */
#include "churn.h"

struct item {
  uint64_t value, check;
};

struct bundle { /* 64 bytes: copied in vector registers */
  struct item *a, *b;
  uint64_t n;
  struct item *c[5];
};

struct holder {
  struct bundle bundle;
  struct bundle more[3];
  _Atomic(struct item *) atomic;
};

static struct item *item_new(uint64_t value) {
  struct item *item = mw_new(struct item);
  *item = (struct item){value, ~value};
  return item;
}

__attribute__((noinline)) static struct bundle bundle_new(uint64_t value) {
  struct bundle b = {.a = item_new(value), .b = item_new(value + 1), .n = value};
  for (int i = 0; i < 5; i++) b.c[i] = item_new(value + 2 + (uint64_t)i);
  return b;
}

__attribute__((noinline)) static struct bundle rotated(struct bundle b) {
  struct item *first = b.a;
  b.a = b.b;
  b.b = b.c[0];
  memmove(&b.c[0], &b.c[1], 4 * sizeof b.c[0]);
  b.c[4] = first;
  return b;
}

__attribute__((noinline)) static void store_all(struct holder *h, int n, ...) {
  va_list args;
  va_start(args, n);
  for (int i = 0; i < n; i++) h->more[i] = va_arg(args, struct bundle);
  h->atomic = va_arg(args, struct item *);
  va_end(args);
}

static void check(const struct bundle *b) {
  uint64_t sum = 0;
  const struct item *all[] = {b->a, b->b, b->c[0], b->c[1], b->c[2], b->c[3], b->c[4]};
  for (int i = 0; i < 7; i++) {
    CHECK(all[i]->check == ~all[i]->value);
    sum += all[i]->value - b->n;
  }
  CHECK(sum == 21);
}

static void bundle_goroutine(void *arg) {
  struct bundle b;
  mw_chan **ends = arg;
  while (mw_chan_recv(ends[0], &b)) {
    check(&b);
    mw_chan_send(ends[1], rotated(b));
  }
  mw_chan_close(ends[1]);
}

int main(int argc, char **argv) {
  enum { HOLDERS = 64 };
  churn_begin(argc, argv, 1000);
  struct holder *holders = mw_make(struct holder, HOLDERS);
  for (int i = 0; i < HOLDERS; i++) {
    holders[i].bundle = bundle_new(0);
    store_all(&holders[i], 3, bundle_new(1), bundle_new(2), bundle_new(3), item_new(4));
  }
  mw_chan **ends = mw_make(mw_chan *, 2);
  ends[0] = mw_chan_make(struct bundle, 2);
  ends[1] = mw_chan_make(struct bundle, 0);
  mw_go(bundle_goroutine, ends);
  while (churn_round()) {
    for (int k = 0; k < 200; k++) {
      struct holder *h = &holders[churn_below(HOLDERS)], *g = &holders[churn_below(HOLDERS)];
      h->bundle = rotated(g->more[churn_below(3)]);
      store_all(g, 3, h->bundle, bundle_new(churn_below(1000)), g->more[0],
                atomic_exchange(&h->atomic, g->atomic));
      mw_chan_send(ends[0], g->more[1]);
      struct bundle back;
      CHECK(mw_chan_recv(ends[1], &back));
      h->more[2] = back;
      if (churn_below(8) == 0) *g = *h;
    }
    for (int i = 0; i < HOLDERS; i++) {
      check(&holders[i].bundle);
      for (int j = 0; j < 3; j++) check(&holders[i].more[j]);
      struct item *atomic = holders[i].atomic;
      CHECK(atomic->check == ~atomic->value);
    }
  }
  mw_chan_close(ends[0]);
  return churn_end();
}
