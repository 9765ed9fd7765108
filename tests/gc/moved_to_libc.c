/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/moved_to_libc.c -- the only pointer to an object moves into libc while marking is on
 *
 * External code moves it, without barriers, from an object that has not been marked yet to
 * pthread_setspecific, where the roots have been scanned already.  So what libc keeps is scanned
 * once more when marking ends.
 * On one processor: nobody marks while the external code runs.  The object hangs at the end of a
 * long list, which is marked link by link; until then its address is known as a number only. Run
 * under clobberfree: what is lost reads as something else.
 */
#include <mallow.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK_EXIT exit
#include "../sched/check.h"
#include "moved_to_libc_plain.h"

enum { LINKS = 200000, ROUNDS = 12, VALUE = 0x51ed270b };
typedef struct link {
  struct link *next;
  outer *o;
} link;
typedef struct value {
  unsigned v, pad[7];
} value;

static link *list;
static uintptr_t hidden;
static _Atomic int begun, over;

/* In a frame of its own, so that no register or slot has what it made. */
static __attribute__((noinline)) void make_list(void) {
  link *last = list = mw_new(link);
  for (int i = 0; i < LINKS; i++) last = last->next = mw_new(link);
  last->o = mw_new(outer);
  last->o->in = mw_new(inner);
  hidden = ~(uintptr_t)last->o;
}

static __attribute__((noinline)) void put_value(void) {
  value *v = mw_new(value);
  v->v = VALUE;
  ((outer *)~hidden)->in->p = v;
}

static __attribute__((noinline)) void move(pthread_key_t key) {
  move_to_libc((outer *)~hidden, key);
}

static void collect(void *unused) {
  (void)unused;
  begun = 1;
  mw_gc();
  over = 1;
}

int main(void) {
  pthread_key_t key;
  int beside = 0;
  mw_thread_lock(); /* the value is this thread's */
  CHECK_EQ(pthread_key_create(&key, NULL), 0);
  make_list();
  for (int i = 0; i < ROUNDS || !beside; i++) {
    put_value();
    mw_gc();
    begun = over = 0;
    mw_go(collect, NULL);
    while (!begun) mw_yield();
    for (int k = 0; k < i % 4; k++) mw_yield();
    beside += !over;
    move(key);
    while (!over) mw_yield();
    CHECK_EQ(((value *)pthread_getspecific(key))->v, VALUE);
  }
  puts("ok");
  return 0;
}
