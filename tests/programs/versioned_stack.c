/* SPDX-License-Identifier: MIT */
/*
 * tests/programs/versioned_stack.c -- a lock-free stack with a version beside its pointer
 *
 * 16-byte compare-and-swap, the only pointer to the list being in what is swapped.
 */
#define _GNU_SOURCE 1
#include <stdatomic.h>

#include "program.h"

static bool few; /* an argument was given: less of all, for gcstress */

typedef struct node {
  struct node *next;
  long v;
  char *s;
} node;
typedef struct versioned {
  node *p;
  uintptr_t version;
} versioned;
typedef struct stack {
  _Atomic versioned top;
} stack;
static stack *shared;
static mw_waitgroup done;
static long rounds;
static _Atomic long pops, sum;
static void push(node *n) {
  versioned o = atomic_load(&shared->top), w;
  do {
    n->next = o.p;
    w.p = n;
    w.version = o.version + 1;
  } while (!atomic_compare_exchange_weak(&shared->top, &o, w));
}

static node *pop(void) {
  versioned o = atomic_load(&shared->top), w;
  do {
    if (!o.p) return NULL;
    w.p = o.p->next;
    w.version = o.version + 1;
  } while (!atomic_compare_exchange_weak(&shared->top, &o, w));
  return o.p;
}

static void work(void *a) {
  long id = (long)a;
  for (long i = 0; i < rounds; i++) {
    node *n = mw_new(node);
    n->v = id * rounds + i;
    n->s = mw_sprintf("%ld", n->v);
    push(n);
    n = NULL;
    if (i % 3 == 0) mw_yield();
    node *q = pop();
    if (q) {
      CHECK(atol(q->s) == q->v);
      sum += q->v;
      pops++;
      if (i % 7 == 0) {
        sum -= q->v;
        pops--;
        q->s = mw_sprintf("%ld", q->v);
        push(q);
      }
    }
  }
  mw_waitgroup_done(&done);
}

int main(int argc, char **argv) {
  (void)argv;
  few = argc > 1;
  rounds = few ? 60 : 20000;
  shared = mw_new(stack);
  mw_waitgroup_add(&done, 8);
  for (long i = 0; i < 8; i++) mw_go(work, (void *)i);
  mw_waitgroup_wait(&done);
  node *q;
  while ((q = pop())) {
    CHECK(atol(q->s) == q->v);
    sum += q->v;
    pops++;
  }
  CHECK(pops == 8 * rounds && sum == 8 * rounds * (8 * rounds - 1) / 2);
  printf("ok\n");
  return 0;
}
