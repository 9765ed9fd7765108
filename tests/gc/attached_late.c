/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/attached_late.c -- threads that meet the runtime while marking is on
 *
 * The first thing that such a thread does in compiled code is to take a pointer out of an object
 * that is still white, the end of a long list.  Nobody scans its stack in this cycle, since it was
 * not there when marking began: the barrier of that first store has to tell of the object.  The
 * threads stay until the end, so that each has a record that was not there before.
 */
#include <mallow.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "attached_late_plain.h"
#include "base/abi.h"

enum { ROUNDS = 8 };
const int plain_rounds = ROUNDS;

typedef struct object {
  struct object *none;
  unsigned long check;
} object;
typedef struct node {
  struct node *next;
  object *o;
} node;

static node *list;
static uintptr_t last; /* complemented */
static _Atomic bool collected[ROUNDS + 1];
static _Atomic int took; /* the last thread that has */

static __attribute__((noinline)) void make_list(void) {
  list = NULL;
  node *end = mw_new(node);
  end->o = mw_new(object);
  end->o->check = 815;
  last = ~(uintptr_t)end;
  for (int i = 0; i < 300000; i++) {
    node *n = mw_new(node);
    n->next = list ? list : end;
    list = n;
  }
}
static __attribute__((noinline)) void wipe(void) {
  volatile unsigned long old[1024]; /* a memset would be taken away */
  for (int i = 0; i < 1024; i++) old[i] = 0;
}

static bool marking(void) {
  bool on;
  __asm__ volatile("movb %%gs:%c1, %0" : "=q"(on) : "i"(MWI_TCB_WB));
  return on;
}

void take(int round) {
  node *n = (node *)~last; /* NOLINT(performance-no-int-to-ptr) */
  object *o = n->o;
  n->o = NULL;
  took = round;
  while (!collected[round]) usleep(100);
  if (o->none || o->check != 815) {
    puts("FAIL: a thread attached while marking was on lost the object that it took");
    exit(1);
  }
}

static mw_waitgroup done;
static void collects(void *round) {
  mw_gc();
  for (int i = 0; i < 1000; i++) mw_new(object)->check = 1;
  collected[(intptr_t)round] = true;
  mw_waitgroup_done(&done);
}

int main(void) {
  mw_set_max_procs(3);
  mw_set_gc_percent(-1);
  pthread_t t[ROUNDS + 1];
  for (intptr_t round = 1; round <= ROUNDS; round++) {
    pthread_create(&t[round], NULL, plain_thread, (void *)round);
    make_list();
    wipe();
    mw_waitgroup_add(&done, 1);
    mw_go(collects, (void *)round);
    while (!marking() && !collected[round]) mw_yield();
    plain_turn = (int)round;
    mw_waitgroup_wait(&done);
    while (took < round) mw_yield(); /* before there is another list */
  }
  plain_turn = ROUNDS + 1;
  for (int i = 1; i <= ROUNDS; i++) pthread_join(t[i], NULL);
  puts("ok");
  return 0;
}
