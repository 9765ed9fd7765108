/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/own_names.c -- the compiler knows C11's mtx_lock, the program has one of its own
 *
 * It is called, whether its type is C11's or not, and may park.  The same for POSIX's link, which
 * the runtime calls for compiled code (plugin/lent.c).
 */
#include "own_names.h"

#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>

static mtx m;
static int count, inside;
static mw_waitgroup done;

static void locker(void *unused) {
  (void)unused;
  for (int i = 0; i < 100; i++) {
    if (i % 2 ? !mtx_trylock(&m, 1000000) : mtx_lock(&m) != 1) exit(1);
    if (inside++) exit(2);
    thrd_yield(2);
    count++;
    inside--;
    if (i % 10 == 0) cnd_wait(&m);
    if (mtx_unlock(&m) != 1) exit(3);
  }
  mw_waitgroup_done(&done);
}

int main(void) {
  mw_set_max_procs(1);
  mw_waitgroup_add(&done, 4);
  for (int i = 0; i < 4; i++) mw_go(locker, NULL);
  mw_waitgroup_wait(&done);
  if (count != 400 || m.waits != 40) exit(4);
  mtx *other = mw_new(mtx);
  if (link(&m, other) != 7 || other->waits != 40) exit(5);
  puts("ok");
  return 0;
}
