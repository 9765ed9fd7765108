/* SPDX-License-Identifier: MIT */
/*
 * tests/special/each_cycle.c -- finalizers come as early as Go's
 *
 *     each_cycle list|tiny
 *
 * list  the first of a list is finalized, then the next: one collection for each. What a finalizer
 *       leaves on the stack of the goroutine that ran it keeps nothing alive.
 * tiny  objects that share a block are finalized together, in the collection that finds the block
 * dead
 *
 * What is due is waited for; if it does not come, the test's time limit does.
 */
#include <mallow.h>

#include <stdio.h>
#include <string.h>

typedef struct node {
  struct node *next;
  long id;
} node;

enum { NODES = 60, TINY = 64, TINY_BLOCK = 5 /* of 3 bytes, in 16 */ };

static _Atomic int count;
static long ids[NODES + TINY];

static void note(void *obj, void *arg) {
  (void)arg;
  ids[count] = ((node *)obj)->id;
  count++;
}

static void note_tiny(void *obj, void *arg) {
  (void)arg;
  ids[count] = *(unsigned char *)obj;
  count++;
}

static void make_list(void *unused) {
  (void)unused;
  node *n[NODES];
  for (int i = 0; i < NODES; i++) {
    n[i] = mw_new(node);
    n[i]->id = i;
    if (i) n[i - 1]->next = n[i];
  }
  for (int i = 0; i < NODES; i++) mw_set_finalizer(n[i], note, NULL);
}

static void make_tiny(void *unused) {
  (void)unused;
  for (int i = 0; i < TINY; i++) {
    unsigned char *p = mw_alloc_noscan(3);
    p[0] = (unsigned char)i;
    mw_set_finalizer(p, note_tiny, NULL);
  }
}

/* Until fn's goroutine, and its stack with it, is gone. */
static void apart(void (*fn)(void *)) {
  mw_go(fn, NULL);
  while (mw_num_goroutine() > 1) mw_yield();
}

/* One collection, and until so many have been finalized in all. */
static void collect(int due) {
  mw_gc();
  while (count < due) mw_yield();
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "tiny") == 0) {
    apart(make_tiny);
    collect(TINY - 2 * TINY_BLOCK); /* others may use the first block and the last */
    printf("ok\n");
    return 0;
  }
  apart(make_list);
  for (int i = 0; i < NODES; i++) {
    collect(i + 1);
    if (count != i + 1 || ids[i] != i) {
      printf("after %d collections: %d finalized, the last was %ld\n", i + 1, count,
             count ? ids[count - 1] : -1);
      return 1;
    }
  }
  printf("ok\n");
}
