/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/beside.h -- goroutines that work beside a test
 *
 * begin(f) starts one; it takes itself off `done` when `over` is set, for which finish() waits.
 * CHECK comes from the program.
 */
#ifndef BESIDE_H
#define BESIDE_H

#include "list.h"

static _Atomic bool over;
static mw_waitgroup done;

static void begin(void (*fn)(void *)) {
  mw_waitgroup_add(&done, 1);
  mw_go(fn, NULL);
}
static void finish(void) {
  over = true;
  mw_waitgroup_wait(&done);
}

__attribute__((unused)) static void churns(void *unused) {
  (void)unused;
  while (!over) CHECK(intact(list(300), 300));
  mw_waitgroup_done(&done);
}
__attribute__((unused)) static void collects(void *unused) {
  (void)unused;
  while (!over) {
    mw_gc();
    mw_sleep(100000); /* others get to run on few processors, too */
  }
  mw_waitgroup_done(&done);
}

#endif
