/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/chan_basic.c -- what each channel operation does, one at a time
 *
 * Order, closing, len and cap, try operations, elements of no, small, odd and
 * large size, pointers that only the channel holds across collections.
 */
#define _GNU_SOURCE 1
#include "../parked.h"
#include "check.h"

static void buffered_is_fifo(void) {
  mw_chan *c = mw_chan_make(int, 3);
  CHECK_EQ(mw_chan_cap(c), 3);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 3; i++) CHECK(mw_chan_try_send(c, round * 10 + i));
    CHECK(!mw_chan_try_send(c, 99));
    CHECK_EQ(mw_chan_len(c), 3);
    for (int i = 0; i < 3; i++) {
      int v = -1;
      CHECK(mw_chan_recv(c, &v));
      CHECK_EQ(v, round * 10 + i);
    }
    int v = 77;
    CHECK_EQ(mw_chan_try_recv(c, &v), -1);
    CHECK_EQ(v, 77);
    CHECK_EQ(mw_chan_len(c), 0);
  }
}

static void closed_is_drained_first(void) {
  mw_chan *c = mw_chan_make(long, 4);
  mw_chan_send(c, 1L);
  mw_chan_send(c, 2L);
  mw_chan_close(c);
  long v = 0;
  CHECK(mw_chan_recv(c, &v) && v == 1);
  CHECK_EQ(mw_chan_try_recv(c, &v), 1);
  CHECK_EQ(v, 2);
  v = 55;
  CHECK(!mw_chan_recv(c, &v));
  CHECK_EQ(v, 0);
  v = 55;
  CHECK_EQ(mw_chan_try_recv(c, &v), 0);
  CHECK_EQ(v, 0);
  CHECK(!mw_chan_recv(c, NULL));
}

static void nil_never_goes_on(void) {
  CHECK_EQ(mw_chan_len(NULL), 0);
  CHECK_EQ(mw_chan_cap(NULL), 0);
  CHECK(!mw_chan_try_send((mw_chan *)NULL, 1));
  CHECK_EQ(mw_chan_try_recv((mw_chan *)NULL, NULL), -1);
}

struct pair {
  mw_chan *in, *out;
};

static void echo(void *arg) {
  struct pair *p = arg;
  long v;
  while (mw_chan_recv(p->in, &v)) mw_chan_send(p->out, v + 1);
  mw_chan_close(p->out);
}

static void unbuffered_meets(void) {
  struct pair *p = mw_new(struct pair);
  p->in = mw_chan_make(long, 0);
  p->out = mw_chan_make(long, 0);
  CHECK(!mw_chan_try_send(p->in, 1L));
  mw_go(echo, p);
  for (long i = 0; i < 1000; i++) {
    long v = 0;
    mw_chan_send(p->in, i);
    CHECK(mw_chan_recv(p->out, &v));
    CHECK_EQ(v, i + 1);
  }
  mw_chan_close(p->in);
  CHECK(!mw_chan_recv(p->out, NULL));
}

static void waiting_receiver(void *arg) {
  struct pair *p = arg;
  long v = 12345;
  bool ok = mw_chan_recv(p->in, &v);
  mw_chan_send(p->out, ok ? v : -1L - v);
}

static void try_send_finds_a_receiver(void) {
  struct pair *p = mw_new(struct pair);
  p->in = mw_chan_make(long, 0);
  p->out = mw_chan_make(long, 1);
  mw_go(waiting_receiver, p);
  while (!mw_chan_try_send(p->in, 7L)) mw_yield();
  long v = 0;
  CHECK(mw_chan_recv(p->out, &v));
  CHECK_EQ(v, 7);
}

static void close_wakes_all_receivers(void) {
  struct pair *p = mw_new(struct pair);
  p->in = mw_chan_make(long, 0);
  p->out = mw_chan_make(long, 10);
  for (int i = 0; i < 10; i++) mw_go(waiting_receiver, p);
  until_parked(10, "[chan receive");
  mw_chan_close(p->in);
  for (int i = 0; i < 10; i++) {
    long v = 0;
    CHECK(mw_chan_recv(p->out, &v));
    CHECK_EQ(v, -1); /* not ok, value zeroed */
  }
}

static void waiting_sender(void *arg) {
  struct pair *p = arg;
  static _Atomic long number;
  mw_chan_send(p->in, ++number);
}

/* Goroutines that wait are served in their order, values in that of their sends. */
static void senders_queue_up(void) {
  struct pair *p = mw_new(struct pair);
  p->in = mw_chan_make(long, 2);
  for (int i = 0; i < 6; i++) {
    mw_go(waiting_sender, p);
    while (mw_chan_len(p->in) < (i < 2 ? (size_t)i + 1 : 2)) mw_yield();
    until_parked(i - 1, "[chan send");
  }
  CHECK_EQ(mw_chan_len(p->in), 2);
  for (long i = 1; i <= 6; i++) {
    long v = 0;
    CHECK(mw_chan_recv(p->in, &v));
    CHECK_EQ(v, i);
  }
}

/* Every size of element, handed over through the buffer, to a parked receiver
 * and from a parked sender. */
#define SIZE_TEST(N)                                                                               \
  typedef struct elem##N {                                                                         \
    unsigned char b[N];                                                                            \
  } elem##N;                                                                                       \
  static void send##N(void *arg) {                                                                 \
    for (int i = 0; i < 20; i++) {                                                                 \
      elem##N e;                                                                                   \
      memset(&e, i + 1, sizeof e);                                                                 \
      mw_chan_send((mw_chan *)arg, e);                                                             \
    }                                                                                              \
    mw_chan_close(arg);                                                                            \
  }                                                                                                \
  static void size##N(void) {                                                                      \
    for (size_t cap = 0; cap < 3; cap++) {                                                         \
      mw_chan *c = mw_chan_make(elem##N, cap);                                                     \
      mw_go(send##N, c);                                                                           \
      elem##N e, want;                                                                             \
      for (int i = 0; i < 20; i++) {                                                               \
        if (i % 3 == 0) mw_yield();                                                                \
        CHECK(mw_chan_recv(c, &e));                                                                \
        memset(&want, i + 1, sizeof want);                                                         \
        CHECK(memcmp(&e, &want, sizeof e) == 0);                                                   \
      }                                                                                            \
      memset(&e, 1, sizeof e);                                                                     \
      memset(&want, 0, sizeof want);                                                               \
      CHECK(!mw_chan_recv(c, &e));                                                                 \
      CHECK(memcmp(&e, &want, sizeof e) == 0);                                                     \
    }                                                                                              \
  }
SIZE_TEST(1)
SIZE_TEST(2)
SIZE_TEST(3)
SIZE_TEST(12)
SIZE_TEST(16)
SIZE_TEST(40)
SIZE_TEST(64)
SIZE_TEST(65)
SIZE_TEST(72)
SIZE_TEST(4096)

typedef struct {
} nothing;

#pragma clang diagnostic ignored "-Wexcess-initializers" /* a witness of nothing */
static void empty_elements(void) {
  mw_chan *c = mw_chan_make(nothing, 1000000000);
  nothing n;
  for (int i = 0; i < 10; i++) mw_chan_send(c, n);
  CHECK_EQ(mw_chan_len(c), 10);
  for (int i = 0; i < 10; i++) CHECK(mw_chan_recv(c, &n));
  CHECK_EQ(mw_chan_try_recv(c, &n), -1);
}

typedef struct node {
  struct node *next;
  long check;
} node;

typedef struct big {
  node *n[20];
} big;

static node *make_node(long i) {
  node *n = mw_new(node);
  n->next = mw_new(node);
  n->next->check = ~i;
  n->check = i;
  return n;
}

static void check_node(const node *n, long i) {
  CHECK_EQ(n->check, i);
  CHECK_EQ(n->next->check, ~i);
}

static void churn(void) {
  for (int i = 0; i < 2000; i++) check_node(make_node(i), i);
  mw_gc();
}

static void send_nodes(void *arg) {
  struct pair *p = arg;
  for (long i = 0; i < 5; i++) mw_chan_send(p->in, make_node(i));
  big b;
  for (long i = 0; i < 20; i++) b.n[i] = make_node(i);
  mw_chan_send(p->out, b);
}

/* Objects that only a buffer or a parked sender's waiter refers to. */
static void channels_keep_objects(void) {
  for (size_t cap = 0; cap < 4; cap++) {
    struct pair *p = mw_new(struct pair);
    p->in = mw_chan_make(node *, cap);
    p->out = mw_chan_make(big, cap);
    mw_go(send_nodes, p);
    until_parked(1, "[chan send"); /* five do not fit */
    churn();
    for (long i = 0; i < 5; i++) {
      node *n = NULL;
      CHECK(mw_chan_recv(p->in, &n));
      churn();
      check_node(n, i);
    }
    if (cap == 0)
      until_parked(1, "[chan send");
    else
      while (mw_chan_len(p->out) == 0) mw_yield();
    churn();
    big *b = mw_new(big); /* the target is in the heap */
    CHECK(mw_chan_recv(p->out, b));
    churn();
    for (long i = 0; i < 20; i++) check_node(b->n[i], i);
  }
}

int main(void) {
  check_start();
  buffered_is_fifo();
  closed_is_drained_first();
  nil_never_goes_on();
  unbuffered_meets();
  try_send_finds_a_receiver();
  close_wakes_all_receivers();
  senders_queue_up();
  size1(), size2(), size3(), size12(), size16(), size40(), size64(), size65(), size72(), size4096();
  empty_elements();
  channels_keep_objects();
  puts("ok");
  return 0;
}
