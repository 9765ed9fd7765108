/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_sleep.c -- sleep, usleep, nanosleep, clock_nanosleep that park the goroutine
 *
 * Compiled code's calls of the libc functions come here.  The main goroutine's, and those of
 * goroutines that are bound to their threads, are cut short by signals as a thread's
 * are (sched/cut.c); the others' are not.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <mallow.h>

#include "os/fault.h"
#include "sched/libc.h"
#include "sched/proc.h"

unsigned mwi_rt_sleep(unsigned seconds);
int mwi_rt_usleep(useconds_t us);
int mwi_rt_nanosleep(const struct timespec *want, struct timespec *left);

/* On a goroutine.  ns that were left when a signal cut it short, or 0. */
static int64_t sleep_parked(int64_t ns) {
  if (mwi_cut_reaches(mwi_getg())) return mwi_io_sleep(ns);
  mw_sleep(ns);
  return 0;
}

static struct timespec timespec_of(int64_t ns) {
  return (struct timespec){ns / 1000000000, ns % 1000000000};
}

/* -1: not a valid time, or not there. */
static int64_t ns_of(const struct timespec *at) {
  struct timespec t;
  if (!mwi_os_copy(&t, at, sizeof t)) return -1;
  if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999) return -1;
  int64_t ns;
  if (__builtin_mul_overflow((int64_t)t.tv_sec, 1000000000, &ns) ||
      __builtin_add_overflow(ns, t.tv_nsec, &ns))
    return INT64_MAX;
  return ns;
}

/* A handler has run.  What is left, if the caller asks; -errno. */
static long interrupted(struct timespec *left, int64_t ns) {
  struct timespec t = timespec_of(ns);
  return left && !mwi_os_copy(left, &t, sizeof t) ? -EFAULT : -EINTR;
}

/* 0 or -errno. */
static long sleep_for(const struct timespec *want, struct timespec *left) {
  enum mwi_where where = mwi_where();
  int64_t ns = ns_of(want);
  if (where != MWI_ON_GOROUTINE || ns < 0)
    return mwi_call_restarted(where, SYS_nanosleep, (long)want, (long)left, 0, 0, 0, 0);
  ns = sleep_parked(ns);
  return ns ? interrupted(left, ns) : 0;
}

/* What is left, in whole seconds, when a handler has run. */
MWI_EXPORT unsigned mwi_rt_sleep(unsigned seconds) {
  struct timespec t = {.tv_sec = seconds};
  return mwi_result(sleep_for(&t, &t)) == 0 ? 0 : (unsigned)t.tv_sec;
}

MWI_EXPORT int mwi_rt_usleep(useconds_t us) {
  struct timespec t = timespec_of((int64_t)us * 1000);
  return (int)mwi_result(sleep_for(&t, NULL));
}

MWI_EXPORT int mwi_rt_nanosleep(const struct timespec *want, struct timespec *left) {
  return (int)mwi_result(sleep_for(want, left));
}

/* Clocks that can be set, or stand still, are the kernel's to watch. */
MWI_EXPORT int mwi_rt_clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
                                      struct timespec *left) {
  if (clock == CLOCK_THREAD_CPUTIME_ID) return EINVAL; /* as libc says */
  bool absolute = flags & TIMER_ABSTIME;
  bool ours = clock == CLOCK_MONOTONIC || (clock == CLOCK_REALTIME && !absolute);
  enum mwi_where where = mwi_where();
  int64_t ns = ns_of(want);
  if (!ours || ns < 0 || where != MWI_ON_GOROUTINE)
    return (int)-mwi_call_restarted(where, SYS_clock_nanosleep, clock, flags, (long)want,
                                    (long)left, 0, 0);
  if (absolute) ns -= mwi_os_monotonic();
  if (ns > 0) ns = sleep_parked(ns);
  if (ns <= 0) return 0;
  return (int)-interrupted(absolute ? NULL : left, ns);
}
