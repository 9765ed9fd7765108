/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/registers.c -- the only pointer is in a register, or nobody has run yet
 *
 * External code (registers_plain.c) takes a pointer out of memory into a register and
 * waits there while others collect: a general and a vector register, in turn.  Then
 * goroutines whose argument is the only pointer, and the youngest of all, whose
 * stack is.
 */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registers_plain.h"

/* Without a pointer to itself, or to be found through what external code's words point to. */
typedef struct object {
  struct object *none;
  unsigned long check;
} object;

static __attribute__((noinline)) object *make(void) {
  object *o = mw_new(object);
  o->check = 815;
  return o;
}
static void alive(const char *who, const object *o) {
  if (o->none == NULL && o->check == 815) return;
  printf("FAIL: %s lost its object\n", who);
  exit(1);
}
static __attribute__((noinline)) void wipe(void) {
  volatile char old[8192];
  memset((char *)old, 0, sizeof old);
}

static mw_waitgroup done;
static int mode; /* which register */

static __attribute__((noinline)) void fill(object **slot) {
  *slot = make();
}
static void in_external_code(void *arg) {
  (void)arg;
  object **slot = mw_make(object *, 1);
  fill(slot);
  wipe();
  plain_hold((void **)slot, mode);
  alive(mode ? "a vector register" : "a register", *slot);
  mw_waitgroup_done(&done);
}

static void with_argument(void *arg) {
  alive("a goroutine's argument", arg);
  mw_waitgroup_done(&done);
}

static mw_chan *go_on;
static void youngest(void *arg) {
  (void)arg;
  object *mine = make();
  int x;
  mw_chan_recv(go_on, &x);
  alive("the youngest goroutine", mine);
  mw_waitgroup_done(&done);
}

int main(void) {
  mw_set_max_procs(2);
  for (mode = 0; mode < 2; mode++)
    for (int i = 0; i < 5; i++) {
      plain_holds = plain_release = 0;
      mw_waitgroup_add(&done, 1);
      mw_go(in_external_code, NULL);
      while (!plain_holds) mw_yield();
      for (int k = 0; k < 3; k++) {
        mw_gc();
        for (int n = 0; n < 1000; n++) make();
      }
      plain_release = 1;
      mw_waitgroup_wait(&done);
    }
  mw_set_max_procs(1);
  for (int i = 0; i < 5; i++) {
    mw_waitgroup_add(&done, 300);
    for (int k = 0; k < 300; k++) mw_go(with_argument, make());
    wipe();
    mw_gc();
    mw_waitgroup_wait(&done);
  }
  go_on = mw_chan_make(int, 0);
  for (int i = 0; i < 400; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go(youngest, NULL);
  }
  for (int k = 0; k < 3; k++) {
    mw_sleep(1000000);
    mw_gc();
    for (int n = 0; n < 1000; n++) make();
  }
  int x = 1;
  for (int i = 0; i < 400; i++) mw_chan_send(go_on, x);
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
