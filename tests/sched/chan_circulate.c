/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/chan_circulate.c -- old objects on the move while marking
 *
 *   chan_circulate [MILLISECONDS]
 *
 * Job   A fixed set of objects, allocated once, goes round among goroutines.
 *       Apart from the one goroutine that holds it, or the channel or waiter
 *       that it is passing through, nothing refers to an object.  Collections
 *       follow one another all the time.
 * Why   The collector scans goroutines one by one.  An object that moves from
 *       one not yet scanned to one already scanned survives only because
 *       every move shades it [CH4].  Objects allocated during the cycle would
 *       not show this: they are born black.  Run with clobberfree=1: what is
 *       freed by mistake fails its check at the next stop.
 * Stuck nobody: there are fewer objects than goroutines, receivers stay on one
 *       channel, and a holder's last resort is a select that sends to any.
 */
#include "check.h"

enum { CHANS = 16, GOROUTINES = 96, TOKENS = 40, NODES = 4, WIDE = 12 };
enum { MOVES = 1000, CYCLES = 2000 };

typedef struct node {
  uint64_t check;
  struct node *next;
} node;

typedef struct token {
  uint64_t id, check;
  node *list;
} token;

/* A value larger than a waiter's slot. */
typedef struct wide {
  uint64_t pad[WIDE];
  token *t;
} wide;

typedef struct world {
  mw_chan *c[CHANS]; /* of token * */
  mw_chan *w[CHANS]; /* of wide, used by one goroutine in four */
  _Atomic int next_id, stop;
  _Atomic long moves;
} world;

static token *make_token(uint64_t id) {
  token *t = mw_new(token);
  t->id = id;
  t->check = ~id;
  for (int i = 0; i < NODES; i++) {
    node *n = mw_new(node);
    n->check = id * 1000 + (uint64_t)i;
    n->next = t->list;
    t->list = n;
  }
  return t;
}

static void check_token(const token *t) {
  CHECK(t->id < TOKENS);
  CHECK(t->check == ~t->id);
  int i = NODES;
  for (const node *n = t->list; n != NULL; n = n->next)
    CHECK(n->check == t->id * 1000 + (uint64_t)--i);
  CHECK_EQ(i, 0);
}

/* Frames deep enough that what they leave on the stack is overwritten by the next. */
__attribute__((noinline)) static void scrub(void) {
  volatile char junk[1024];
  for (size_t i = 0; i < sizeof junk; i++) junk[i] = 0;
}

__attribute__((noinline)) static bool pass_on(world *s, rng *g, token *t) {
  check_token(t);
  int to = (int)rng_below(g, CHANS);
  if (rng_below(g, 2)) {
    for (int k = 0; k < 4; k++)
      if (mw_chan_try_send(s->c[(to + k) % CHANS], t)) return true;
  }
  mw_case cases[2 * CHANS];
  wide big = {.t = t};
  for (int k = 0; k < CHANS; k++) {
    cases[2 * k] = mw_case_send(s->c[k], &t);
    cases[2 * k + 1] = mw_case_send(s->w[k], &big);
  }
  mw_select(cases, 2 * CHANS);
  return true;
}

__attribute__((noinline)) static void one_turn(world *s, rng *g, int id) {
  token *t = NULL;
  if (id % 4 == 0) {
    wide big;
    CHECK(mw_chan_recv(s->w[id / 4 % CHANS], &big));
    t = big.t;
  } else if (id % 4 == 1) {
    token *u = NULL;
    mw_case cases[] = {mw_case_recv(s->c[id % CHANS], &t),
                       mw_case_recv(s->c[(id + 7) % CHANS], &u)};
    if (mw_select(cases, 2) == 1) t = u;
  } else {
    CHECK(mw_chan_recv(s->c[id % CHANS], &t));
  }
  if (rng_below(g, 8) == 0) mw_yield();
  (void)pass_on(s, g, t);
}

static void carry(void *arg) {
  world *s = arg;
  int id = s->next_id++;
  rng g = rng_for((unsigned long long)id);
  while (!s->stop) {
    one_turn(s, &g, id);
    scrub();
    s->moves++;
  }
}

static void feed(void *arg) {
  world *s = arg;
  rng g = rng_for(1000);
  for (uint64_t i = 0; i < TOKENS; i++) (void)pass_on(s, &g, make_token(i));
}

int main(int argc, char **argv) {
  check_start();
  int64_t until = mw_nanotime() + arg_or(argc, argv, 1, 1000) * 1000000;
  world *s = mw_new(world);
  for (int i = 0; i < CHANS; i++) {
    s->c[i] = mw_chan_make(token *, (size_t)i % 3);
    s->w[i] = mw_chan_make(wide, (size_t)i % 2);
  }
  for (int i = 0; i < GOROUTINES; i++) mw_go(carry, s);
  mw_go(feed, s);
  long cycles = 0;
  /* A machine with other work may leave us no CPU until the time is over. */
  while (mw_nanotime() < until || s->moves < MOVES) {
    mw_gc();
    cycles++;
    /* Collections one after the other can leave the others no CPU either.  Where they
     * still make no move, the test's time limit is what tells. */
    if (cycles > CYCLES && s->moves < MOVES) mw_sleep(1000000);
    for (int i = 0; i < 10; i++) (void)make_token(1000 + (uint64_t)i); /* takes freed slots */
  }
  s->stop = 1;
  printf("ok: %ld moves, %ld collections\n", s->moves, cycles);
  return 0;
}
