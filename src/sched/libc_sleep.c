/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_sleep.c -- sleep, usleep, nanosleep, clock_nanosleep that park the goroutine
 *
 * Compiled code's calls of the libc functions come here.  A signal does not
 * cut a sleep short: it interrupts threads, and the goroutine is on none.  So
 * sleep always returns 0, and nanosleep never fails with EINTR.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <mallow.h>

#include "sched/libc.h"
#include "sched/proc.h"

unsigned mwi_rt_sleep(unsigned seconds);
int mwi_rt_usleep(useconds_t us);
int mwi_rt_nanosleep(const struct timespec *want, struct timespec *left);
int mwi_rt_clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
                           struct timespec *left);

MWI_EXPORT unsigned mwi_rt_sleep(unsigned seconds) {
  if (mwi_off_goroutine()) return sleep(seconds);
  mw_sleep((int64_t)seconds * 1000000000);
  return 0;
}

MWI_EXPORT int mwi_rt_usleep(useconds_t us) {
  if (mwi_off_goroutine()) return usleep(us);
  mw_sleep((int64_t)us * 1000);
  return 0;
}

/* -1: not a valid time. */
static int64_t ns_of(const struct timespec *t) {
  if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec > 999999999) return -1;
  int64_t ns;
  if (__builtin_mul_overflow((int64_t)t->tv_sec, 1000000000, &ns) ||
      __builtin_add_overflow(ns, t->tv_nsec, &ns))
    return INT64_MAX;
  return ns;
}

MWI_EXPORT int mwi_rt_nanosleep(const struct timespec *want, struct timespec *left) {
  if (mwi_off_goroutine()) return nanosleep(want, left);
  (void)left; /* written only when a signal interrupts */
  int64_t ns = ns_of(want);
  if (ns < 0) {
    mwi_errno_set(EINVAL);
    return -1;
  }
  mw_sleep(ns);
  return 0;
}

/* Clocks that can be set, or stand still, are the kernel's to watch. */
MWI_EXPORT int mwi_rt_clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
                                      struct timespec *left) {
  bool absolute = flags & TIMER_ABSTIME;
  bool ours = clock == CLOCK_MONOTONIC || (clock == CLOCK_REALTIME && !absolute);
  enum mwi_where where = mwi_where();
  int64_t ns = ns_of(want);
  if (!ours || ns < 0 || where != MWI_ON_GOROUTINE)
    return (int)-mwi_call_restarted(where, SYS_clock_nanosleep, clock, flags, (long)want,
                                    (long)left, 0, 0);
  if (absolute) ns -= mwi_os_monotonic();
  if (ns > 0) mw_sleep(ns);
  return 0;
}
