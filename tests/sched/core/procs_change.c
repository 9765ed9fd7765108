/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/procs_change.c -- GOMAXPROCS changes while all else goes on
 *
 *     procs_change [SECONDS]
 *
 * Goroutines allocate, pass messages, sleep and collect, threads of the
 * program's own come and go, and two goroutines set GOMAXPROCS to anything
 * from 1 to 64.  Lost goroutines show as a wait group that never ends, a
 * processor held twice as corruption, a lost wake-up as a hang.
 */
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct node {
  struct node *next;
  long value;
} node;

enum { WORKERS = 24, LENGTH = 400 };
static _Atomic bool over;
static mw_waitgroup done;
static mw_chan *ring;

static void check_list(long seed) {
  node *head = NULL;
  for (long i = 0; i < LENGTH; i++) {
    node *n = mw_new(node);
    n->next = head;
    n->value = seed + i;
    head = n;
  }
  long at = seed + LENGTH;
  for (node *n = head; n; n = n->next)
    if (n->value != --at) {
      puts("FAIL: a node changed");
      exit(1);
    }
  if (at != seed) {
    puts("FAIL: a node is missing");
    exit(1);
  }
}

static void allocate(void *arg) {
  for (long i = 0; !over; i++) check_list((long)(intptr_t)arg * 1000000 + i);
  mw_waitgroup_done(&done);
}

static void pass(void *arg) {
  (void)arg;
  node *n = mw_new(node);
  while (!over) {
    mw_chan_send(ring, n);
    mw_chan_recv(ring, &n);
    n->value++;
    if (n->value % 64 == 0) mw_sleep(50000);
  }
  mw_waitgroup_done(&done);
}

static void collect(void *arg) {
  (void)arg;
  while (!over) {
    mw_gc();
    mw_sleep(300000);
  }
  mw_waitgroup_done(&done);
}

static void change(void *arg) {
  unsigned x = (unsigned)(intptr_t)arg;
  while (!over) {
    x = x * 1664525 + 1013904223;
    mw_set_max_procs(1 + (int)(x >> 26));
    if (x >> 20 & 1) mw_sleep(200000);
  }
  mw_waitgroup_done(&done);
}

static void *visitor(void *arg) {
  check_list((long)(intptr_t)arg);
  return NULL;
}

static void *thread_maker(void *arg) {
  (void)arg;
  while (!over) {
    pthread_t t;
    if (pthread_create(&t, NULL, visitor, NULL) == 0) pthread_join(t, NULL);
  }
  return NULL;
}

static void begin(void (*fn)(void *), intptr_t arg) {
  mw_waitgroup_add(&done, 1);
  mw_go(fn, (void *)arg);
}

int main(int argc, char **argv) {
  int seconds = argc > 1 ? atoi(argv[1]) : 2;
  ring = mw_chan_make(node *, WORKERS);
  for (intptr_t i = 0; i < WORKERS; i++) begin(i % 3 ? pass : allocate, i);
  begin(collect, 0);
  begin(change, 1);
  begin(change, 2);
  pthread_t t;
  pthread_create(&t, NULL, thread_maker, NULL);
  mw_sleep(INT64_C(1000000000) * seconds);
  over = true;
  mw_waitgroup_wait(&done);
  pthread_join(t, NULL);
  puts("ok");
  return 0;
}
