/* SPDX-License-Identifier: MIT */
/* tests/sched/core/own_names.h -- locks of the program's own, by names that C11 took later */
#ifndef TESTS_OWN_NAMES_H
#define TESTS_OWN_NAMES_H

typedef struct mtx {
  int held, waits;
} mtx;

int mtx_lock(mtx *m); /* as C11's to look at; 1 is success */
int mtx_unlock(mtx *m);
int mtx_trylock(mtx *m, int times); /* not as C11's */
void cnd_wait(mtx *m);
void thrd_yield(int n);

int link(mtx *a, mtx *b); /* as POSIX's to look at, and nobody else's to see */

#endif
