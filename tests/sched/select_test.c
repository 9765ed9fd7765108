/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/select_test.c -- select: choice, fairness, width, wake-ups
 *
 *   select_test [PERCENT]       of the rounds
 *
 * The fairness check counts choices among cases that are always ready.  With
 * N rounds over k cases the count of one has standard deviation below
 * sqrt(N/k); the bounds are twelve of them: a fair select fails once in 10^32
 * runs, one that prefers a case by a tenth fails always.
 */
#include "check.h"

static void chooses_what_is_ready(void) {
  mw_chan *a = mw_chan_make(int, 1), *b = mw_chan_make(int, 1);
  int x = 0, y = 5;
  mw_case cases[] = {mw_case_recv(a, &x), mw_case_send(b, &y), mw_case_recv(NULL, &x)};
  CHECK_EQ(mw_try_select(cases, 1), -1);
  CHECK_EQ(mw_select(cases, 3), 1);
  CHECK_EQ(mw_chan_len(b), 1);
  CHECK_EQ(mw_try_select(cases, 3), -1);
  mw_chan_send(a, 9);
  CHECK_EQ(mw_select(cases, 3), 0);
  CHECK(cases[0].ok && x == 9);
  mw_chan_close(a);
  CHECK_EQ(mw_select(cases, 3), 0);
  CHECK(!cases[0].ok && x == 0);
  CHECK_EQ(mw_try_select(NULL, 0), -1);
}

static void is_fair(int k, int rounds) {
  mw_chan **c = mw_make(mw_chan *, (size_t)k);
  mw_case *cases = mw_make(mw_case, (size_t)k);
  int *count = mw_make(int, (size_t)k);
  int v = 1;
  for (int i = 0; i < k; i++) {
    c[i] = mw_chan_make(int, 1);
    if (i % 2) {
      cases[i] = mw_case_send(c[i], &v);
    } else {
      mw_chan_send(c[i], v);
      cases[i] = mw_case_recv(c[i], NULL);
    }
  }
  for (int r = 0; r < rounds; r++) {
    int i = r % 2 ? mw_select(cases, k) : mw_try_select(cases, k);
    CHECK(i >= 0 && i < k);
    count[i]++;
    if (i % 2)
      CHECK(mw_chan_recv(c[i], NULL));
    else
      mw_chan_send(c[i], v);
  }
  double mean = (double)rounds / k, off = 144.0 * mean;
  for (int i = 0; i < k; i++) {
    double d = count[i] - mean;
    if (d * d > off) fprintf(stderr, "case %d of %d: %d of %d rounds\n", i, k, count[i], rounds);
    CHECK(d * d <= off);
  }
}

/* Among ready and never ready cases the ready ones are still chosen evenly. */
static void is_fair_with_gaps(void) {
  enum { K = 6, ROUNDS = 60000 };
  mw_chan *c[K];
  mw_case cases[K];
  int count[K] = {0};
  for (int i = 0; i < K; i++) {
    c[i] = mw_chan_make(int, 1);
    cases[i] = mw_case_recv(c[i], NULL);
  }
  mw_chan_send(c[0], 1); /* a rotating start would favour 0 and 5 */
  mw_chan_send(c[4], 1);
  mw_chan_send(c[5], 1);
  for (int r = 0; r < ROUNDS; r++) {
    int i = mw_select(cases, K);
    count[i]++;
    mw_chan_send(c[i], 1);
  }
  double mean = ROUNDS / 3.0;
  for (int i = 0; i < K; i++) {
    double want = i == 0 || i >= 4 ? mean : 0, d = count[i] - want;
    CHECK(d * d <= 144.0 * mean);
  }
}

typedef struct live {
  mw_chan *c;
  bool *stop;
} live;

static void sends_on(void *arg) {
  live *l = arg;
  while (!*l->stop) mw_chan_send(l->c, 1);
}

/*
 * Goroutines that send, on channels without a buffer.  On one processor, and with twice as many
 * senders for each channel as messages are taken between two yields, one waits at every channel
 * at each select.  The sum of squares over the mean is distributed as chi-square with K - 1 = 3
 * degrees of freedom: above 60 with a chance of 6e-13; a case preferred by a tenth gives 330 in
 * 100,000 rounds.
 */
static void is_fair_to_senders(int rounds) {
  enum { K = 4, TAKEN = 4 };
  mw_chan *c[K];
  mw_case cases[K];
  int count[K] = {0}, procs = mw_set_max_procs(1);
  bool *stop = mw_new(bool);
  for (int i = 0; i < K; i++) {
    c[i] = mw_chan_make(int, 0);
    cases[i] = mw_case_recv(c[i], NULL);
    for (int j = 0; j < 2 * TAKEN; j++) {
      live *l = mw_new(live);
      *l = (live){c[i], stop};
      mw_go(sends_on, l);
    }
  }
  for (int r = 0; r < rounds; r++) {
    if (r % TAKEN == 0) mw_yield();
    int i = mw_try_select(cases, K);
    if (i < 0) { /* a slice was over before they were back: not a round */
      r--;
      mw_yield();
      continue;
    }
    count[i]++;
  }
  double mean = (double)rounds / K, chi = 0;
  for (int i = 0; i < K; i++) chi += (count[i] - mean) * (count[i] - mean) / mean;
  if (chi > 60)
    fprintf(stderr, "chi-square %.1f: %d %d %d %d\n", chi, count[0], count[1], count[2], count[3]);
  CHECK(chi <= 60);
  *stop = true;
  for (int i = 0; i < K; i++)
    while (mw_try_select(&cases[i], 1) == 0) mw_yield();
  mw_set_max_procs(procs);
}

typedef struct wide {
  mw_chan **c;
  int n, rounds;
} wide;

static void wide_sender(void *arg) {
  wide *w = arg;
  rng g = rng_for(7);
  for (int r = 0; r < w->rounds; r++) {
    int i = (int)rng_below(&g, (unsigned)w->n);
    mw_chan_send(w->c[i], i);
    if (r % 3 == 0) mw_yield();
  }
}

/* One select over n channels, each value through the case of its channel. */
static void is_wide(int n, int rounds) {
  wide *w = mw_new(wide);
  w->c = mw_make(mw_chan *, (size_t)n);
  w->n = n;
  w->rounds = rounds;
  mw_case *cases = mw_make(mw_case, (size_t)n);
  int *got = mw_make(int, (size_t)n);
  for (int i = 0; i < n; i++) {
    w->c[i] = mw_chan_make(int, 0);
    cases[i] = mw_case_recv(w->c[i], &got[i]);
    got[i] = -1;
  }
  mw_go(wide_sender, w);
  for (int r = 0; r < rounds; r++) {
    int i = mw_select(cases, n);
    CHECK(cases[i].ok);
    CHECK_EQ(got[i], i);
    got[i] = -1;
  }
}

/* The same channel in several cases, both directions. */
static void same_channel_twice(void) {
  mw_chan *c = mw_chan_make(int, 0);
  int in = 0, out = 3, in2 = 0;
  mw_case cases[] = {mw_case_recv(c, &in), mw_case_send(c, &out), mw_case_recv(c, &in2)};
  CHECK_EQ(mw_try_select(cases, 3), -1); /* a select does not meet itself */
}

typedef struct duel {
  mw_chan *a, *b, *done;
  long rounds;
} duel;

/* Two goroutines, each in a select that can send or receive on either channel:
 * every meeting moves one value one way. */
static void duellist(void *arg) {
  duel *d = arg;
  long sent = 0, got = 0;
  for (long r = 0; r < d->rounds; r++) {
    long out = r, in1 = -1, in2 = -1;
    mw_case cases[] = {mw_case_send(d->a, &out), mw_case_recv(d->a, &in1), mw_case_send(d->b, &out),
                       mw_case_recv(d->b, &in2)};
    int i = mw_select(cases, 4);
    if (cases[i].send) {
      sent++;
      CHECK(in1 == -1 && in2 == -1);
    } else {
      got++;
      CHECK_EQ(i == 1 ? in1 : in2, r); /* both are in the same round */
      CHECK_EQ(i == 1 ? in2 : in1, -1);
    }
  }
  mw_chan_send(d->done, sent - got);
}

static void all_or_nothing(long rounds) {
  duel *d = mw_new(duel);
  d->a = mw_chan_make(long, 0);
  d->b = mw_chan_make(long, 0);
  d->done = mw_chan_make(long, 0);
  d->rounds = rounds;
  mw_go(duellist, d);
  mw_go(duellist, d);
  long x = 0, y = 0;
  CHECK(mw_chan_recv(d->done, &x) && mw_chan_recv(d->done, &y));
  CHECK_EQ(x + y, 0);
}

/* A token walks between two channels with room for one each, and is in the
 * next before it leaves the last.  So at every moment one of them has a value,
 * and a try_select that receives from both must never find none [SL3]. */
static void walk(void *arg) {
  duel *d = arg;
  long token = 0;
  for (long i = 0; mw_chan_len(d->done) == 0; i++) {
    if (i % 1024 == 0) mw_yield();
    mw_chan_send(d->b, token);
    mw_chan_recv(d->a, &token);
    mw_chan_send(d->a, token);
    mw_chan_recv(d->b, &token);
  }
  mw_chan_send(d->done, token);
}
static void try_select_sees_one_moment(long rounds) {
  duel *d = mw_new(duel);
  d->a = mw_chan_make(long, 1);
  d->b = mw_chan_make(long, 1);
  d->done = mw_chan_make(long, 2);
  mw_chan_send(d->a, 0L);
  mw_go(walk, d);
  rng g = rng_for(11);
  for (long r = 0; r < rounds; r++) {
    long token;
    mw_case cases[] = {mw_case_recv(d->a, &token), mw_case_recv(d->b, &token)};
    int i = mw_try_select(cases, 2);
    CHECK(i >= 0);
    mw_chan_send(cases[i].chan, token); /* back where it was */
    if (r % 16 == 0) mw_yield();
    /* let it walk on another processor */
    for (volatile unsigned spin = rng_below(&g, r % 8 ? 100 : 20000); spin > 0; spin = spin - 1) {
    }
  }
  mw_chan_send(d->done, 1L);
  while (mw_chan_len(d->done) < 2) mw_yield();
}

/* The same among so many channels that the token is always elsewhere by the end
 * of a look at each of them: only a look at all at once finds it. */
enum { MANY = 400 };
typedef struct meadow {
  mw_chan *c[MANY];
  _Atomic int stop;
  mw_chan *done;
} meadow;
static void roam(void *arg) {
  meadow *m = arg;
  rng g = rng_for(12);
  long token = 0;
  for (unsigned at = 0; !m->stop;) {
    unsigned to = (at + 1 + rng_below(&g, MANY - 1)) % MANY;
    mw_chan_send(m->c[to], 1L);
    mw_chan_recv(m->c[at], &token);
    at = to;
  }
  mw_chan_send(m->done, token);
}
static void try_select_of_many_sees_one_moment(long rounds) {
  meadow *m = mw_new(meadow);
  mw_case *cases = mw_make(mw_case, MANY);
  m->done = mw_chan_make(long, 0);
  long token;
  for (int i = 0; i < MANY; i++) {
    m->c[i] = mw_chan_make(long, 2);
    cases[i] = mw_case_recv(m->c[i], &token);
  }
  mw_chan_send(m->c[0], 0L);
  mw_go(roam, m);
  for (long r = 0; r < rounds; r++) {
    int i = mw_try_select(cases, MANY);
    CHECK(i >= 0);
    mw_chan_send(m->c[i], token); /* back where it was */
    if (r % 16 == 0) mw_yield();
  }
  m->stop = 1;
  mw_chan_recv(m->done, &token);
}

typedef struct node {
  struct node *self;
  long data[12];
} node;

static void big_values(void *arg) {
  duel *d = arg;
  for (long r = 0; r < d->rounds; r++) {
    node n = {.data = {r}};
    n.self = mw_new(node);
    n.self->data[0] = r;
    mw_case cases[] = {mw_case_send(d->a, &n), mw_case_send(d->b, &n)};
    (void)mw_select(cases, 2);
  }
  mw_chan_close(d->done);
}

/* Elements larger than a waiter's slot, with pointers, while collecting. */
static void large_elements(long rounds) {
  duel *d = mw_new(duel);
  d->a = mw_chan_make(node, 0);
  d->b = mw_chan_make(node, 2);
  d->done = mw_chan_make(long, 0);
  d->rounds = rounds;
  mw_go(big_values, d);
  long sum = 0, seen = 0;
  for (bool open = true; open;) {
    node x = {0}, y = {0};
    mw_case cases[] = {mw_case_recv(d->a, &x), mw_case_recv(d->b, &y), mw_case_recv(d->done, NULL)};
    int i = mw_select(cases, 3);
    open = i != 2;
    if (i == 2) {
      while (mw_chan_try_recv(d->b, &y) == 1) {
        sum += y.self->data[0];
        seen++;
      }
      break;
    }
    node *n = i == 0 ? &x : &y;
    CHECK_EQ(n->data[0], n->self->data[0]);
    sum += n->data[0];
    if (++seen % 64 == 0) mw_gc();
  }
  CHECK_EQ(seen, rounds);
  CHECK_EQ(sum, rounds * (rounds - 1) / 2);
}

int main(int argc, char **argv) {
  long percent = arg_or(argc, argv, 1, 100);
#define PART(n) ((int)((n) * percent / 100))
  check_start();
  chooses_what_is_ready();
  for (int k = 2; k <= 9; k++) is_fair(k, PART(40000));
  is_fair(40, PART(40000));
  is_fair_with_gaps();
  is_fair_to_senders(PART(100000));
  is_wide(4, PART(5000));
  is_wide(31, PART(2000));
  is_wide(32, PART(2000));
  is_wide(33, PART(2000));
  is_wide(1000, PART(300));
  same_channel_twice();
  all_or_nothing(PART(20000));
  try_select_sees_one_moment(PART(40000));
  try_select_of_many_sees_one_moment(PART(30000));
  large_elements(600);
  puts("ok");
  return 0;
}
