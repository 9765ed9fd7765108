/* SPDX-License-Identifier: MIT */
/* escape/goroutine.c -- what a goroutine is given */
#include <mallow.h>
#include <stdio.h>

struct job {
  int *sum;
  mw_waitgroup *done;
  int n;
};

static void work(void *arg) {
  struct job *j = arg;
  __atomic_fetch_add(j->sum, j->n, __ATOMIC_RELAXED);
  mw_waitgroup_done(j->done);
}

int main(void) {
  int sum = 0;
  mw_waitgroup done = {0};
  for (int i = 1; i <= 4; i++) {
    struct job j = {&sum, &done, i}; /* each goroutine has its own */
    mw_waitgroup_add(&done, 1);
    mw_go(work, &j);
  }
  mw_waitgroup_wait(&done);
  printf("%d\n", sum);
}
