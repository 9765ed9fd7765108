/* SPDX-License-Identifier: MIT */
/*
 * tests/net/spurious.c -- no call ends because of a signal of the runtime's
 *
 *     spurious CASE
 *
 *   goroutines   compiled code, many times, short
 *   threads      the same in threads of the program's
 *   main         before and after the first goroutine
 *   external     plain C on goroutines
 *   profiled     plain C and threads beside a CPU profile
 *   late         threads that wait in the kernel already are sent signals like the runtime's
 *
 * Each call waits for something that does not come, and returns when its time is over: not with
 * EINTR, and not early.  Meanwhile the world is stopped all the time.  Calls of external code are
 * interrupted by stops, and made to go on (os/restart.h); compiled code's meet a signal
 * that was on its way when they began.
 * Where external code's timeout is a constant, a call goes on for no longer than twice
 * its time, and then says EINTR: stops end before.  On a machine so slow that they do not, nothing
 * is said about that call.
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <stdatomic.h>
#include <stdio.h>

#include "../sched/check.h"
#include "spurious_calls.h"

int spurious_external(int which, int ms);

static _Atomic bool over;
static _Atomic int nstops;
static mw_waitgroup done, stopped;

/* Each collection stops the world twice; so do these. */
static void stops(void *until) {
  while (!over && (!until || nstops < (int)(intptr_t)until)) {
    mw_gc();
    nstops++;
    if (until) mw_sleep(10000000);
  }
  mw_waitgroup_done(&stopped);
}

static _Atomic int failures;
static void judge(const char *where, int which, int r) {
  if (r == 0) return;
  failures++;
  fprintf(stderr, "FAIL: %s on %s: %s\n", spurious_names[which], where,
          r == -1   ? "came back with a value"
          : r == -2 ? "came back early"
                    : strerror(r));
}

enum { TURNS = 20 };

static void goroutine(void *which) {
  for (int i = 0; i < TURNS; i++)
    judge("a goroutine", (int)(intptr_t)which, spurious_call((int)(intptr_t)which, 1 + i % 4));
  mw_waitgroup_done(&done);
}
static void *thread(void *which) {
  for (int i = 0; i < TURNS; i++)
    judge("a thread", (int)(intptr_t)which, spurious_call((int)(intptr_t)which, 1 + i % 4));
  return NULL;
}
static void *external_thread(void *which) {
  for (int i = 0; i < TURNS; i++)
    judge("an external thread", (int)(intptr_t)which,
          spurious_external((int)(intptr_t)which, 1 + i % 4));
  return NULL;
}

static void external(void *arg) {
  int which = (int)(intptr_t)arg, ms = which < SPURIOUS_CONSTANT ? 300 : 1500;
  int64_t start = spurious_now();
  int r = spurious_external(which, ms);
  if (r == EINTR && which >= SPURIOUS_CONSTANT && spurious_now() - start >= ms * INT64_C(1000000))
    r = 0;
  judge("external code", which, r);
  mw_waitgroup_done(&done);
}

/* Each call is met three times, unless its time is over before. */
enum { LATE_SIGNALS = 3, LATE_MS = 500 };
static _Atomic int late_tid[SPURIOUS_CALLS]; /* -1: its call is over */

static void *late_thread(void *which_) {
  int which = (int)(intptr_t)which_;
  late_tid[which] = gettid();
  int r = spurious_call(which, LATE_MS);
  late_tid[which] = -1;
  judge("a thread that was sent signals", which, r);
  return NULL;
}

static bool sleeps(int tid) {
  char path[64], line[256] = "";
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  FILE *f = fopen(path, "r");
  if (!f) return false; /* it has just ended */
  const char *state = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
  fclose(f);
  return state && state[1] && state[2] == 'S';
}

static void late(void) {
  pthread_t t[SPURIOUS_CALLS];
  for (intptr_t i = 0; i < SPURIOUS_CALLS; i++)
    CHECK(pthread_create(&t[i], NULL, late_thread, (void *)i) == 0);
  for (int i = 0; i < SPURIOUS_CALLS; i++)
    for (int k = 0; k < LATE_SIGNALS && late_tid[i] >= 0;) {
      int tid = late_tid[i];
      if (tid > 0 && sleeps(tid) && tgkill(getpid(), tid, SIGURG) == 0) k++;
      mw_yield();
    }
  for (int i = 0; i < SPURIOUS_CALLS; i++) CHECK(pthread_join(t[i], NULL) == 0);
}

static void each(void (*fn)(void *)) {
  mw_waitgroup_add(&done, SPURIOUS_CALLS);
  for (intptr_t i = 0; i < SPURIOUS_CALLS; i++) mw_go(fn, (void *)i);
}
static void each_thread(void *(*fn)(void *)) {
  pthread_t t[SPURIOUS_CALLS];
  for (intptr_t i = 0; i < SPURIOUS_CALLS; i++)
    CHECK(pthread_create(&t[i], NULL, fn, (void *)i) == 0);
  for (int i = 0; i < SPURIOUS_CALLS; i++) CHECK(pthread_join(t[i], NULL) == 0);
}
static void begin_stops(int n) {
  mw_waitgroup_add(&stopped, 1);
  mw_go(stops, (void *)(intptr_t)n);
}
static void finish(void) {
  over = true;
  mw_waitgroup_wait(&stopped);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  sigset_t usr2;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  CHECK(sigprocmask(SIG_BLOCK, &usr2, NULL) == 0); /* for sigtimedwait */
  if (strcmp(what, "goroutines") == 0) {
    begin_stops(0);
    each(goroutine);
    mw_waitgroup_wait(&done);
    finish();
  } else if (strcmp(what, "threads") == 0) {
    begin_stops(0);
    each_thread(thread);
    finish();
  } else if (strcmp(what, "main") == 0) {
    for (int i = 0; i < SPURIOUS_CALLS; i++) judge("main alone", i, spurious_call(i, 3));
    begin_stops(0);
    for (int k = 0; k < 6; k++)
      for (int i = 0; i < SPURIOUS_CALLS; i++) judge("main", i, spurious_call(i, 1));
    finish();
  } else if (strcmp(what, "late") == 0) {
    late();
  } else if (strcmp(what, "external") == 0) {
    each(external);
    begin_stops(15);
    mw_waitgroup_wait(&stopped);
    mw_waitgroup_wait(&done);
    CHECK(nstops == 15);
  } else if (strcmp(what, "profiled") == 0) {
    FILE *profile = tmpfile();
    CHECK(profile && mw_pprof_start_cpu(fileno(profile)) == 0);
    each_thread(external_thread);
    CHECK(mw_pprof_stop_cpu() == 0);
  } else {
    fprintf(stderr, "usage: spurious goroutines|threads|main|external|profiled|late\n");
    return 2;
  }
  if (failures) return 1;
  puts("ok");
  return 0;
}
