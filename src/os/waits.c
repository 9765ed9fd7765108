/* SPDX-License-Identifier: MIT */
/* os/waits.c -- see os/waits.h: the table, and which row a call is in */
#include "os/waits.h"

#define ROW(id, nr, sa_restart, how_long, which)                                                   \
  [MWI_OS_WAIT_##id] = {                                                                           \
      .number = (nr), .restarts = MWI_OS_##sa_restart, .time = MWI_OS_##how_long, .at = (which)},
const struct mwi_os_wait mwi_os_waits[MWI_OS_NWAITS] = {MWI_OS_WAITS(ROW, ROW)};

/* Linux 6.13; then the argument is a number of a structure, and no address. */
#ifndef IORING_ENTER_EXT_ARG_REG
#define IORING_ENTER_EXT_ARG_REG (1u << 6)
#endif

static int id_of(long number, const long *arg) {
  switch (number) {
#define CASE(id, nr, ...)                                                                          \
  case nr:                                                                                         \
    return MWI_OS_WAIT_##id;
#define NO_CASE(...)
    MWI_OS_WAITS(CASE, NO_CASE)
  case SYS_futex: /* others wake, or wait for a lock, which nothing ends early */
    switch (arg[1] & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      return MWI_OS_WAIT_FUTEX_WAIT_FOR;
    case FUTEX_WAIT_BITSET:
      return MWI_OS_WAIT_FUTEX_WAIT_UNTIL;
    default:
      return -1;
    }
  case SYS_clock_nanosleep:
    return arg[1] & TIMER_ABSTIME ? MWI_OS_WAIT_CLOCK_NANOSLEEP_UNTIL
                                  : MWI_OS_WAIT_CLOCK_NANOSLEEP_FOR;
  case SYS_io_uring_enter:
    return (arg[3] & IORING_ENTER_EXT_ARG) && !(arg[3] & IORING_ENTER_EXT_ARG_REG)
               ? MWI_OS_WAIT_IO_URING_ENTER_FOR
               : MWI_OS_WAIT_IO_URING_ENTER;
  default:
    return -1;
  }
}

const struct mwi_os_wait *mwi_os_wait_of(long number, const long arg[6]) {
  int id = id_of(number, arg);
  return id < 0 ? NULL : &mwi_os_waits[id];
}

bool mwi_os_wait_is_timed(const struct mwi_os_wait *w, const long arg[6]) {
  switch ((enum mwi_os_time)w->time) {
  case MWI_OS_LEFT:
  case MWI_OS_UNTIL:
  case MWI_OS_FOR:
  case MWI_OS_SLEEP:
    return arg[w->at] != 0;
  case MWI_OS_MS:
    return (int)arg[w->at] >= 0;
  case MWI_OS_RING:
    return ((const struct io_uring_getevents_arg *)arg[w->at])->ts != 0;
  default:
    return false;
  }
}
