/* SPDX-License-Identifier: MIT */
/*
 * tests/special/special.c -- finalizers, cleanups and weak pointers do what Go's do
 *
 * Objects are made in functions that are not inlined, on goroutines of their
 * own, so that no stale word of a stack keeps them alive: stacks are scanned
 * conservatively, and a test must not depend on that going well.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sched/check.h"

typedef struct node {
  struct node *next;
  long value;
} node;

enum { N = 200 };
static _Atomic int calls, sum_bad;
static mw_chan *done;
static mw_weak weaks[N];
static node *saved[N]; /* resurrected */
static node *kept;

static void passes_cleanups(void *ch) {
  mw_chan_try_send(ch, (bool)true);
}
static void passes_finalizers(void *obj, void *ch) {
  (void)obj;
  mw_chan_try_send(ch, (bool)true);
}

static mw_chan *passed[2]; /* by the goroutine of the cleanups, by that of the finalizers */

static void leave_behind(void *unused) {
  (void)unused;
  for (int i = 0; i < 20; i++) { /* a stale word may hold a few */
    mw_add_cleanup(mw_new(node), passes_cleanups, passed[0]);
    mw_set_finalizer(mw_new(node), passes_finalizers, passed[1]);
  }
  mw_chan_send(done, (bool)true);
}

/* All that is garbage is found, and what was due for it has been called: calls
 * are made in the order in which collections found them due. */
static void collect_and_wait(void) {
  for (int i = 0; i < 3; i++) mw_gc();
  for (int i = 0; i < 2; i++) passed[i] = mw_chan_make(bool, 1);
  mw_go(leave_behind, NULL);
  mw_chan_recv(done, NULL);
  mw_gc();
  for (int i = 0; i < 2; i++) mw_chan_recv(passed[i], NULL);
}

static void in_goroutine(void (*fn)(void *)) {
  mw_go(fn, NULL);
  mw_chan_recv(done, NULL);
  collect_and_wait();
}

static void finish(void) {
  mw_chan_send(done, (bool)true);
}

/* ---- Finalizers -------------------------------------------------------- */

static void on_final(void *obj, void *arg) {
  node *n = obj;
  if (n->value != (long)(intptr_t)arg || !n->next || n->next->value != -n->value) sum_bad++;
  saved[n->value] = n;
  calls++;
}

static void make_finalized(void *unused) {
  (void)unused;
  for (long i = 0; i < N; i++) {
    node *n = mw_new(node);
    n->value = i;
    n->next = mw_new(node);
    n->next->value = -i;
    mw_set_finalizer(n, on_final, (void *)(intptr_t)i);
    if (i % 10 == 0) mw_set_finalizer(n, NULL, NULL); /* taken back */
    weaks[i] = mw_weak_make(n);
    CHECK(mw_weak_make(n) == weaks[i]);
    CHECK(mw_weak_get(weaks[i]) == n);
  }
  finish();
}

static void finalizers(void) {
  in_goroutine(make_finalized);
  /* A stale word may hold a few; the rest must have been called. */
  CHECK(calls >= N * 9 / 10 - 10 && calls <= N * 9 / 10);
  CHECK(sum_bad == 0);
  for (int i = 0; i < N; i++) {
    if (!saved[i]) continue;
    CHECK(i % 10 != 0);
    CHECK(saved[i]->value == i && saved[i]->next->value == -i); /* intact, resurrected */
    CHECK(mw_weak_get(weaks[i]) == NULL);                       /* not for weak pointers */
    CHECK(mw_weak_make(saved[i]) != weaks[i]);
  }
  int before = calls;
  for (int i = 0; i < N; i++) saved[i] = NULL;
  collect_and_wait();
  CHECK(calls - before <= 10); /* a finalizer runs once */
}

/* ---- Cleanups ---------------------------------------------------------- */

static _Atomic long cleaned[3];
static void on_clean(void *arg) {
  cleaned[((node *)arg)->value]++;
}
static node *tags[3];

static void make_cleaned(void *unused) {
  (void)unused;
  for (int i = 0; i < N; i++) {
    node *a = mw_new(node), *b = mw_new(node);
    a->next = b; /* a cycle is fine */
    b->next = a;
    mw_add_cleanup(a, on_clean, tags[0]);
    mw_add_cleanup(&a->value, on_clean, tags[1]); /* a second one, interior pointer */
    mw_cleanup c = mw_add_cleanup(b, on_clean, tags[2]);
    mw_cleanup_stop(c);
  }
  finish();
}

static void cleanups(void) {
  for (int i = 0; i < 3; i++) {
    tags[i] = mw_new(node);
    tags[i]->value = i;
  }
  in_goroutine(make_cleaned);
  CHECK(cleaned[0] >= N - 10 && cleaned[0] <= N);
  CHECK(cleaned[1] == cleaned[0]);
  CHECK(cleaned[2] == 0);
}

/* ---- Weak pointers ----------------------------------------------------- */

static void make_weak(void *unused) {
  (void)unused;
  kept = mw_new(node);
  weaks[0] = mw_weak_make(kept);
  weaks[1] = mw_weak_make(&kept->value);
  for (int i = 2; i < N; i++) {
    node *n = mw_new(node);
    n->value = i;
    weaks[i] = mw_weak_make(n);
  }
  finish();
}

static void weak(void) {
  CHECK(mw_weak_make(NULL) == NULL && mw_weak_get(NULL) == NULL);
  in_goroutine(make_weak);
  int dead = 0;
  for (int i = 2; i < N; i++) dead += mw_weak_get(weaks[i]) == NULL;
  CHECK(dead >= N - 12);
  CHECK(mw_weak_get(weaks[0]) == kept);
  CHECK(mw_weak_get(weaks[1]) == (void *)&kept->value);
  CHECK(weaks[0] != weaks[1]);
}

/* Strong pointers taken from weak ones while cycles run: what comes out is alive. */
static mw_weak shared[64];
static node *anchors[64];
static _Atomic int running;

static void upgrade(void *unused) {
  (void)unused;
  for (int round = 0; round < 20000; round++) {
    int i = rand() % 64;
    node *n = mw_weak_get(shared[i]);
    if (n) {
      CHECK(n->value == i);
      anchors[i] = round % 3 ? n : NULL;
    } else {
      n = mw_new(node);
      n->value = i;
      anchors[i] = n;
      shared[i] = mw_weak_make(n);
    }
    if (round % 64 == 0) mw_yield();
  }
  running--;
  finish();
}

static void upgrades(void) {
  running = 4;
  for (int i = 0; i < 4; i++) mw_go(upgrade, NULL);
  while (running) mw_gc();
  for (int i = 0; i < 4; i++) mw_chan_recv(done, NULL);
}

/* ---- Many, and large ---------------------------------------------------- */

/* More than one batch of the root job, of which some are taken back, added and become due while it
 * runs; some are large, and what those point to is only found by scanning them. */
enum { MANY = 3000, TURNS = 20000, SLOTS = 20000 /* 160 KB: more than one piece */ };
static node **many[MANY];
static _Atomic int died, torn;

static void on_many(void *obj, void *arg) {
  node **slots = obj;
  size_t n = (size_t)(intptr_t)arg;
  for (size_t i = 0; i < n; i += n / 2)
    if (!slots[i] || slots[i]->value != (long)i || slots[n - 1]->value != (long)n - 1) torn++;
  died++;
}

static node **make_slots(size_t n) {
  node **slots = mw_make(node *, n);
  for (size_t i = 0; i < n; i++)
    if (i % (n / 2) == 0 || i == n - 1) {
      slots[i] = mw_new(node);
      slots[i]->value = (long)i;
    }
  return slots;
}

static void churn(void *arg) {
  uint64_t r = (uint64_t)(uintptr_t)arg;
  for (int round = 0; round < TURNS; round++) {
    r = r * 6364136223846793005u + 1442695040888963407u;
    size_t k = (r >> 33) % MANY, n = k % 100 == 0 ? SLOTS : 8;
    node **old = many[k], **slots = make_slots(n);
    if (old && r >> 32 & 1) mw_set_finalizer(old, NULL, NULL);
    mw_set_finalizer(slots, on_many, (void *)(intptr_t)n);
    many[k] = slots;
    if (round % 32 == 0) mw_yield();
  }
  running--;
  finish();
}

static void many_finalizers(void) {
  running = 2;
  for (intptr_t i = 1; i <= 2; i++) mw_go(churn, (void *)i);
  while (running) mw_gc();
  for (int i = 0; i < 2; i++) mw_chan_recv(done, NULL);
  memset(many, 0, sizeof many);
  collect_and_wait();
  CHECK(torn == 0);
  CHECK(died > TURNS * 3 / 4 && died < TURNS * 3 / 2); /* half of those replaced were taken back */
}

int main(void) {
  done = mw_chan_make(bool, 4);
  finalizers();
  cleanups();
  weak();
  upgrades();
  many_finalizers();
  puts("specials: ok");
}
