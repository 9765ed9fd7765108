/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/library_handler.c -- handlers that a library installs by itself [P1]
 *
 * Such a handler is external code, and on top of compiled code it is no place to
 * stop: what it has interrupted may be between a barrier's flag and its store.  So
 * while it runs there, no stop of the world ends: the collections that another
 * goroutine makes one after the other stand still.  On top of external code they
 * go on, or a long handler would hold everybody up.
 */
#define _GNU_SOURCE 1
#include "library_handler_plain.h"

#include <pthread.h>

#include "../check.h"

static _Atomic bool over;

static void collects(void *unused) {
  (void)unused;
  while (!over) {
    mw_gc();
    library_collections++;
  }
}

typedef struct node {
  struct node *next;
} node;

/* Compiled code without calls: pointers move, barriers and polls are all it has. */
__attribute__((noinline)) static void spins(node *list, long turns) {
  for (long i = 0; i < turns; i++) {
    node *second = list->next;
    list->next = second->next;
    second->next = list;
    list = second;
  }
}

int main(void) {
  node *ring = mw_new(node);
  ring->next = mw_new(node);
  ring->next->next = mw_new(node);
  ring->next->next->next = ring;
  mw_go(collects, NULL);
  mw_thread_lock();
  library_begin((uintptr_t)spins, pthread_self());
  while (library_handlers[LIBRARY_OVER_COMPILED] < 30) spins(ring, 1000000);
  while (!library_handlers[LIBRARY_OVER_EXTERNAL]) library_works(5); /* for ever, if held up */
  library_end();
  over = true;
  /* one may have got past its last stop already */
  CHECK(library_most[LIBRARY_OVER_COMPILED] <= 1);
  printf("ok\n");
  return 0;
}
