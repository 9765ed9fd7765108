/* SPDX-License-Identifier: MIT */
/*
 * sched/libc_sleep.c -- sleep, usleep and nanosleep that park the goroutine
 *
 * Compiled code's calls of the libc functions come here.  A signal does not
 * cut a sleep short: it interrupts threads, and the goroutine is on none.  So
 * sleep always returns 0, and nanosleep never fails with EINTR.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <mallow.h>

#include "sched/sched.h"

unsigned mwi_rt_sleep(unsigned seconds);
int mwi_rt_usleep(useconds_t us);
int mwi_rt_nanosleep(const struct timespec *want, struct timespec *left);

MWI_EXPORT unsigned mwi_rt_sleep(unsigned seconds) {
  mw_sleep((int64_t)seconds * 1000000000);
  return 0;
}

MWI_EXPORT int mwi_rt_usleep(useconds_t us) {
  mw_sleep((int64_t)us * 1000);
  return 0;
}

MWI_EXPORT int mwi_rt_nanosleep(const struct timespec *want, struct timespec *left) {
  (void)left; /* written only when a signal interrupts */
  if (want->tv_sec < 0 || want->tv_nsec < 0 || want->tv_nsec > 999999999) {
    errno = EINVAL;
    return -1;
  }
  int64_t ns;
  if (__builtin_mul_overflow((int64_t)want->tv_sec, 1000000000, &ns) ||
      __builtin_add_overflow(ns, want->tv_nsec, &ns))
    ns = INT64_MAX;
  mw_sleep(ns);
  return 0;
}
