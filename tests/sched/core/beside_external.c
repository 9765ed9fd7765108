/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/beside_external.c -- a processor held by external code is shared
 *
 * On one processor, main is inside a plain library (asleep in the kernel, or in a
 * loop) until other goroutines, which have work or wait for a timer, have run.  If they
 * waited for the library, it would never come back: ctest's limit is the only one.
 */
#include "../check.h"
#include "plain.h"

static _Atomic int ran;

static void sleeper(void *unused) {
  (void)unused;
  mw_sleep(20000000);
  ran++;
}
static void runner(void *unused) {
  (void)unused;
  ran++;
}

static void be_outside(bool spin, int want) {
  if (spin)
    plain_spin_until(&ran, want);
  else
    plain_block_until(&ran, want);
  CHECK_EQ(ran, want);
  ran = 0;
}

int main(void) {
  mw_set_max_procs(1);
  for (int round = 0; round < 10; round++) {
    bool spin = round % 2;
    mw_go(sleeper, NULL);
    mw_yield(); /* it sleeps now */
    mw_go(runner, NULL);
    be_outside(spin, 2);
    mw_go(sleeper, NULL); /* the timer alone */
    mw_yield();
    be_outside(spin, 1);
    for (int i = 0; i < 5; i++) mw_go(runner, NULL); /* work alone */
    be_outside(spin, 5);
  }
  puts("ok");
  return 0;
}
