/* SPDX-License-Identifier: MIT */
/* tests/sched/core/own_names_lib.c -- see own_names.h */
#include "own_names.h"

#include <mallow.h>

int mtx_lock(mtx *m) {
  while (m->held) mw_yield(); /* one processor: nobody comes between */
  m->held = 1;
  return 1;
}
int mtx_unlock(mtx *m) {
  m->held = 0;
  return 1;
}
int mtx_trylock(mtx *m, int times) {
  while (m->held && times-- > 0) mw_yield();
  return m->held ? 0 : mtx_lock(m);
}
void cnd_wait(mtx *m) {
  m->waits++;
  mtx_unlock(m);
  mw_sleep(1000);
  mtx_lock(m);
}
void thrd_yield(int n) {
  while (n-- > 0) mw_yield();
}

__attribute__((visibility("hidden"))) int link(mtx *a, mtx *b) {
  mw_yield();
  b->waits = a->waits;
  return 7;
}
