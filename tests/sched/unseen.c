/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/unseen.c -- what only the runtime refers to is kept
 *
 * Job   Bring about, one by one, the states in which an object is reachable
 *       through the runtime's own memory alone: the value in a parked sender's
 *       waiter [WT3], in a buffer that a waiter points to, in the waiter of a
 *       receiver that has not run yet, and a timer that is only in a heap.  Then
 *       collect, with clobberfree=1, and look at the object.
 * How   Each state is waited for.  On one processor, because there one that was readied
 *       has not run yet; where the collection must not let others run, the world stays
 *       stopped for it (stw).  A time slice may end all the same just then: once more.
 *
 *     unseen [stw]
 */
#define _GNU_SOURCE 1
#include "../parked.h"
#include "check.h"

enum { WIDE = 12 };

typedef struct box {
  uint64_t check;
  struct box *more;
} box;

typedef struct wide {
  uint64_t pad[WIDE - 1];
  box *b;
} wide;

typedef struct world {
  mw_chan *c; /* of box * */
  mw_chan *w; /* of wide */
  mw_chan *other, *done;
  box *slot;
  wide *wide_slot;
  mw_chan *after;
  _Atomic int ran;
} world;

static const uint64_t magic = 0x600d600d600d600d;

__attribute__((noinline)) static box *make_box(void) {
  box *b = mw_new(box);
  b->check = magic;
  b->more = mw_new(box);
  b->more->check = ~magic;
  return b;
}

/* Overwrites what earlier calls left on this stack. */
__attribute__((noinline)) static void scrub(void) {
  volatile char junk[4096];
  for (size_t i = 0; i < sizeof junk; i++) junk[i] = 0;
}

/* What was freed is used again. */
__attribute__((noinline)) static void reuse(void) {
  for (int i = 0; i < 2000; i++) {
    (void)mw_new(box);
    (void)mw_new(wide);
  }
}

static void collect(void) {
  scrub();
  mw_gc();
  mw_gc();
  reuse();
}

static void check_box(const box *b) {
  CHECK(b != NULL);
  CHECK(b->check == magic);
  CHECK(b->more->check == ~magic);
}

/* ---- A parked sender: by select, whose values are elsewhere than in its frame -- */

static void send_slots(void *arg) {
  world *s = arg;
  mw_case narrow[] = {mw_case_send(s->c, &s->slot)};
  CHECK_EQ(mw_select(narrow, 1), 0);
  mw_case broad[] = {mw_case_send(s->w, s->wide_slot)};
  CHECK_EQ(mw_select(broad, 1), 0);
  mw_chan_send(s->done, 1);
}
__attribute__((noinline)) static void fill_slots(world *s) {
  s->slot = make_box();
  s->wide_slot = mw_new(wide);
  s->wide_slot->b = make_box();
}
static void parked_sender(world *s) {
  fill_slots(s);
  mw_go(send_slots, s);
  until_parked(1, "[select");
  s->slot = NULL; /* the value was read when the select parked: what is sent is the box */
  collect();
  box *b;
  CHECK(mw_chan_recv(s->c, &b));
  check_box(b);
  until_parked(1, "[select");
  s->wide_slot->b = NULL;
  collect();
  wide v;
  CHECK(mw_chan_recv(s->w, &v));
  check_box(v.b);
  int one;
  mw_chan_recv(s->done, &one);
}

/* ---- A receiver that was given its value and has not run ---------------- */

static void receive(void *arg) {
  world *s = arg;
  box *b = NULL;
  wide *v = mw_new(wide);
  mw_case cases[] = {mw_case_recv(s->c, &b), mw_case_recv(s->w, v)};
  int i = mw_select(cases, 2);
  s->ran = 1;
  check_box(i == 0 ? b : v->b);
  mw_chan_send(s->done, 1);
}
__attribute__((noinline)) static void send_box(world *s) {
  mw_chan_send(s->c, make_box());
}
__attribute__((noinline)) static void send_wide(world *s) {
  wide v = {.b = make_box()};
  mw_chan_send(s->w, v);
  memset(&v, 0, sizeof v);
  mw_keep_alive(&v);
}
static void receiver_to_run(world *s, void (*send)(world *)) {
  for (bool tested = false; !tested;) {
    s->ran = 0;
    mw_go(receive, s);
    until_parked(1, "[select");
    send(s);
    collect();
    tested = !s->ran;
    int one;
    mw_chan_recv(s->done, &one);
  }
}

/* ---- A timer whose goroutine has gone on: its entry stays until it is due - */

static void wait_for_either(void *arg) {
  world *s = arg;
  mw_case cases[] = {mw_case_recv(s->after, NULL), mw_case_recv(s->other, NULL)};
  CHECK_EQ(mw_select(cases, 2), 1);
  scrub();
  mw_chan_send(s->done, 1);
}
__attribute__((noinline)) static mw_weak timer_in_heap_only(world *s) {
  s->after = mw_after(3600000000000);
  mw_weak w = mw_weak_make(s->after);
  mw_go(wait_for_either, s);
  until_parked(1, "[select"); /* so the timer is in the heap */
  mw_chan_send(s->other, 1);
  int one;
  mw_chan_recv(s->done, &one);
  s->after = NULL;
  return w;
}
static void entry_of_a_timer(world *s) {
  mw_weak w = timer_in_heap_only(s);
  while (mw_num_goroutine() > 1) mw_yield(); /* it is gone, with its waiters */
  collect();
  CHECK(mw_weak_get(w) != NULL);
}

int main(int argc, char **argv) {
  check_start();
  world *s = mw_new(world);
  s->c = mw_chan_make(box *, 0);
  s->w = mw_chan_make(wide, 0);
  s->other = mw_chan_make(int, 0);
  s->done = mw_chan_make(int, 0);
  parked_sender(s);
  if (argc > 1 && strcmp(argv[1], "stw") == 0) {
    receiver_to_run(s, send_box);
    receiver_to_run(s, send_wide);
  }
  entry_of_a_timer(s);
  puts("ok");
  return 0;
}
