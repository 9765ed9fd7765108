/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/sort_rests.c -- whole collections while qsort has moved half of an array
 *
 * On one processor, so a sort whose time slice is over rests at a poll while the other
 * goroutine collects.  What has not been moved back by then is in the sort's own memory only.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct object {
  struct object *none;
  unsigned long check;
} object;
typedef struct element { /* large: half of the polls are in the moves back */
  object *o;
  unsigned long key;
  char rest[4080];
} element;
enum { N = 200, ROUNDS = 4000, COLLECTIONS = 80 };

static _Atomic bool over;
static mw_waitgroup done;
static _Atomic unsigned long collections;

static void collects(void *arg) {
  (void)arg;
  for (; !over; collections++) {
    mw_gc();
    for (int i = 0; i < 500; i++) mw_new(object)->check = 1;
    mw_yield();
  }
  mw_waitgroup_done(&done);
}
static int by_key(const void *a, const void *b) {
  unsigned long x = ((const element *)a)->key, y = ((const element *)b)->key;
  return x < y ? -1 : x > y;
}

int main(void) {
  mw_waitgroup_add(&done, 1);
  mw_go(collects, NULL);
  element *e = mw_make(element, N);
  for (int round = 0; round < ROUNDS && collections < COLLECTIONS; round++) {
    for (unsigned long i = 0; i < N; i++) {
      e[i].o = mw_new(object);
      e[i].key = e[i].o->check = i * 7919 % N + 1000;
    }
    qsort(e, N, sizeof *e, by_key);
    for (unsigned long i = 0; i < N; i++)
      if (e[i].key != i + 1000 || e[i].o->none || e[i].o->check != i + 1000) {
        printf("FAIL: element %lu has lost its object\n", i);
        return 1;
      }
  }
  over = true;
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
