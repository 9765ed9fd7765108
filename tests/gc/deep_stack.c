/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/deep_stack.c -- a deep recursion is not taken for external code
 *
 * Calls through pointers may call external code, so the collector looks for it on the
 * stack.  Where the stack is deeper than that look goes, it once took all of it for
 * external: each word was looked up and remembered when marking began, and again in the stop
 * that ends it.  The CPU time of collections with a deep stack is compared with the
 * same when nothing was called through a pointer; least of several rounds, of as many as it takes
 * where others use the machine.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEPTH = 60000, COLLECTIONS = 10 };
typedef struct node {
  struct node *next;
  long n;
} node;

static long cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * 1000000000 + t.tv_nsec;
}

static node *plain(node *n) {
  return n->next;
}
static node *(*volatile through)(node *) = plain;

static long least[2] = {1L << 62, 1L << 62};
static bool called;

static void collect(void) {
  long t = cpu_ns();
  for (int i = 0; i < COLLECTIONS; i++) {
    node n = {0};
    if (called) through(&n);
    mw_gc();
  }
  t = cpu_ns() - t;
  if (t < least[called]) least[called] = t;
}

/* Each frame holds an object. */
static __attribute__((noinline)) long recurse(int depth) {
  if (depth == 0) return collect(), 0;
  node *volatile n = mw_new(node);
  n->n = depth;
  long r = recurse(depth - 1);
  return n->n == depth ? r + 1 : -1;
}

static void run(void *done) {
  do
    for (int i = 0; i < 2; i++) {
      called = i;
      if (recurse(DEPTH) != DEPTH) printf("FAIL: an object on the stack was lost\n"), exit(1);
    }
  while (least[1] >= 2 * least[0]); /* ctest's limit tells */
  mw_chan_close(done);
}

int main(void) {
  mw_chan *done = mw_chan_make(char, 0);
  mw_go(run, done); /* nothing but this has been called: main and the entry are ours */
  mw_chan_recv(done, NULL);
  printf("ten collections: %.1f ms, after a call through a pointer %.1f ms\n",
         (double)least[0] / 1e6, (double)least[1] / 1e6);
  printf("ok\n");
  return 0;
}
