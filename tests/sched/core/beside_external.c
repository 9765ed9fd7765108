/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/beside_external.c -- a processor held by external code is shared
 *
 * On one processor, main waits inside a plain library (once asleep in the
 * kernel, once in a loop) while other goroutines have work or wait for a
 * timer.  They must not wait for the library.
 */
#include <mallow.h>
#include <stdio.h>

#include "plain.h"

static _Atomic int64_t woken_ns, ran_ns;

static void sleeper(void *arg) {
  (void)arg;
  mw_sleep(20000000);
  woken_ns = mw_nanotime();
}
static void runner(void *arg) {
  (void)arg;
  ran_ns = mw_nanotime();
}

static int check(const char *what, int64_t start, int64_t end) {
  printf("%s: %.1f ms in the library, runner after %.1f, sleeper after %.1f\n", what,
         (double)(end - start) / 1e6, (double)(ran_ns - start) / 1e6,
         (double)(woken_ns - start) / 1e6);
  int64_t limit = start + (end - start) * 3 / 4;
  return ran_ns && ran_ns < limit && woken_ns && woken_ns < limit ? 0 : 1;
}

int main(void) {
  mw_set_max_procs(1);
  int failed = 0;
  for (int spin = 0; spin < 2; spin++) {
    woken_ns = ran_ns = 0;
    mw_go(sleeper, NULL);
    mw_yield(); /* it sleeps now */
    int64_t start = mw_nanotime();
    mw_go(runner, NULL);
    if (spin)
      plain_spin_ms(400);
    else
      plain_block_ms(400);
    failed |= check(spin ? "spin" : "block", start, mw_nanotime());
    while (!woken_ns) mw_sleep(1000000);
    mw_go(sleeper, NULL); /* the timer alone */
    mw_yield();
    woken_ns = 0;
    ran_ns = start = mw_nanotime();
    plain_block_ms(400);
    failed |= check("timer", start, mw_nanotime());
  }
  puts(failed ? "FAIL" : "ok");
  return failed;
}
