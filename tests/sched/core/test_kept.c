/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_kept.c -- stacks that dead goroutines keep
 *
 * Those that end leave them to the next; not where memory is short for stacks (gc/stacklimit.c),
 * since nobody asks them to give theirs back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <mallow.h>

#include "gc/gc.h"
#include "sched/proc.h"

enum { MANY = 200 };

static _Atomic int ended;
static void one(void *unused) {
  (void)unused;
  ended++;
}

static void run(int n) {
  ended = 0;
  for (int i = 0; i < n; i++) mw_go(one, NULL);
  while (ended < n) mw_yield();
}

static uint32_t kept(void) {
  uint32_t n = mwi_load_relaxed(&mwi_sched.nkept);
  for (int i = 0; i < mwi_sched.nprocs; i++) n += mwi_sched.procs[i]->nkept;
  return n;
}

static void none_are_kept_where_memory_is_short(void **state) {
  (void)state;
  mw_set_gc_percent(-1); /* no cycle gives them back */
  mwi_attach();
  run(MANY);
  while (kept() == 0) mw_yield(); /* the last one may not have left its stack yet */
  mwi_store_relaxed(&mwi_stacks_short, true);
  run(2 * MANY);        /* these take what is kept */
  while (kept() != 0) { /* the last ones are on their way */
    mw_yield();
    usleep(1000);
  }
  mwi_store_relaxed(&mwi_stacks_short, false);
  run(MANY);
  while (kept() == 0) mw_yield();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(none_are_kept_where_memory_is_short)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
