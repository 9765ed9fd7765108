/* SPDX-License-Identifier: MIT */
/*
 * os/waits.h -- the system calls that a signal's handler ends early (internal)
 *
 * Job      Linux lets most calls that wait begin again behind a handler with SA_RESTART.  Some
 *          return EINTR all the same: they are in the one table here, with how long each
 *          waits, which decides how it can be made to go on.
 * Promise  [OW1] A call that is not here does not return EINTR because of a handler with SA_RESTART
 *          (but for drivers and file systems of their own mind).  Those here do, always or
 *          with a time limit, as the column says.
 * Callers  restart_amd64.c (what the stop signal has interrupted goes on), sched/libc_block.c
 *          (calls by number).  Both go by arguments' places, so the table is no machine's.
 * Tests    tests/os/test_waits.c asks the kernel about every row.
 */
#ifndef MWI_OS_WAITS_H
#define MWI_OS_WAITS_H

#include <linux/futex.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/base.h"

/* Does SA_RESTART restart it? */
enum mwi_os_restarts {
  MWI_OS_NEVER,  /* no */
  MWI_OS_UNTIMED /* if it has no time limit */
};

/* How long it waits. */
enum mwi_os_time {
  MWI_OS_FOREVER, /* no argument says how long, or none that the call changes its mind by */
  MWI_OS_LEFT,    /* argument `at`, into which the kernel writes what is left */
  MWI_OS_UNTIL,   /* argument `at` points to a moment */
  MWI_OS_MS,      /* argument `at` is milliseconds, negative: for ever */
  MWI_OS_FOR,     /* argument `at` points to a timespec; NULL: for ever */
  MWI_OS_SLEEP,   /* the same; what is left goes to where at + 1 points, unless that is NULL */
  MWI_OS_RING,    /* argument `at` points to a structure that points to a timespec */
  MWI_OS_RECEIVE, /* SO_RCVTIMEO of the socket that argument `at` is */
  MWI_OS_SEND,    /* SO_SNDTIMEO of it */
  MWI_OS_SPLICE   /* the one of argument 0, or the other of argument 2 */
};

/* X(its own name here, its number, restarts, time, at): a call that has a number to itself.
 * Y(the same): an argument says which of a number's rows it is in (mwi_os_wait_of). */
#define MWI_OS_WAITS(X, Y)                                                                         \
  X(PAUSE, SYS_pause, NEVER, FOREVER, 0)                                                           \
  X(SIGSUSPEND, SYS_rt_sigsuspend, NEVER, FOREVER, 0)                                              \
  X(SIGTIMEDWAIT, SYS_rt_sigtimedwait, NEVER, FOR, 2)                                              \
  X(POLL, SYS_poll, NEVER, MS, 2)                                                                  \
  X(PPOLL, SYS_ppoll, NEVER, LEFT, 2)                                                              \
  X(SELECT, SYS_select, NEVER, LEFT, 4)                                                            \
  X(PSELECT, SYS_pselect6, NEVER, LEFT, 4)                                                         \
  X(EPOLL_WAIT, SYS_epoll_wait, NEVER, MS, 3)                                                      \
  X(EPOLL_PWAIT, SYS_epoll_pwait, NEVER, MS, 3)                                                    \
  X(EPOLL_PWAIT2, SYS_epoll_pwait2, NEVER, FOR, 3)                                                 \
  X(NANOSLEEP, SYS_nanosleep, NEVER, SLEEP, 0)                                                     \
  X(SEMOP, SYS_semop, NEVER, FOREVER, 0)                                                           \
  X(SEMTIMEDOP, SYS_semtimedop, NEVER, FOR, 3)                                                     \
  X(MSGSND, SYS_msgsnd, NEVER, FOREVER, 0)                                                         \
  X(MSGRCV, SYS_msgrcv, NEVER, FOREVER, 0)                                                         \
  X(IO_GETEVENTS, SYS_io_getevents, NEVER, FOR, 4)                                                 \
  X(IO_PGETEVENTS, SYS_io_pgetevents, NEVER, FOR, 4)                                               \
  X(READ, SYS_read, UNTIMED, RECEIVE, 0)                                                           \
  X(READV, SYS_readv, UNTIMED, RECEIVE, 0)                                                         \
  X(PREADV2, SYS_preadv2, UNTIMED, RECEIVE, 0)                                                     \
  X(RECVFROM, SYS_recvfrom, UNTIMED, RECEIVE, 0)                                                   \
  X(RECVMSG, SYS_recvmsg, UNTIMED, RECEIVE, 0)                                                     \
  X(RECVMMSG, SYS_recvmmsg, UNTIMED, RECEIVE, 0)                                                   \
  X(ACCEPT, SYS_accept, UNTIMED, RECEIVE, 0)                                                       \
  X(ACCEPT4, SYS_accept4, UNTIMED, RECEIVE, 0)                                                     \
  X(WRITE, SYS_write, UNTIMED, SEND, 0)                                                            \
  X(WRITEV, SYS_writev, UNTIMED, SEND, 0)                                                          \
  X(PWRITEV2, SYS_pwritev2, UNTIMED, SEND, 0)                                                      \
  X(SENDTO, SYS_sendto, UNTIMED, SEND, 0)                                                          \
  X(SENDMSG, SYS_sendmsg, UNTIMED, SEND, 0)                                                        \
  X(SENDMMSG, SYS_sendmmsg, UNTIMED, SEND, 0)                                                      \
  X(CONNECT, SYS_connect, UNTIMED, SEND, 0)                                                        \
  X(SENDFILE, SYS_sendfile, UNTIMED, SEND, 0)                                                      \
  X(SPLICE, SYS_splice, UNTIMED, SPLICE, 0)                                                        \
  Y(FUTEX_WAIT_FOR, SYS_futex, UNTIMED, FOR, 3)                                                    \
  Y(FUTEX_WAIT_UNTIL, SYS_futex, UNTIMED, UNTIL, 3)                                                \
  Y(CLOCK_NANOSLEEP_FOR, SYS_clock_nanosleep, NEVER, SLEEP, 2)                                     \
  Y(CLOCK_NANOSLEEP_UNTIL, SYS_clock_nanosleep, NEVER, UNTIL, 2)                                   \
  Y(IO_URING_ENTER, SYS_io_uring_enter, NEVER, FOREVER, 0)                                         \
  Y(IO_URING_ENTER_FOR, SYS_io_uring_enter, NEVER, RING, 4)

enum mwi_os_wait_id {
#define MWI_OS_WAIT_ID(id, ...) MWI_OS_WAIT_##id,
  MWI_OS_WAITS(MWI_OS_WAIT_ID, MWI_OS_WAIT_ID)
#undef MWI_OS_WAIT_ID
      MWI_OS_NWAITS
};

struct mwi_os_wait {
  int16_t number;
  uint8_t restarts; /* enum mwi_os_restarts */
  uint8_t time;     /* enum mwi_os_time */
  uint8_t at;
};
extern const struct mwi_os_wait mwi_os_waits[MWI_OS_NWAITS];

/* The row of the call that has these arguments; NULL: none.  Async-signal-safe. */
const struct mwi_os_wait *mwi_os_wait_of(long number, const long arg[6]);

/* Of a row that it is in: is a time limit among its arguments?  A socket's is not. */
bool mwi_os_wait_is_timed(const struct mwi_os_wait *w, const long arg[6]);

#endif
