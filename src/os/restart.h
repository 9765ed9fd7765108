/* SPDX-License-Identifier: MIT */
/*
 * os/restart.h -- system calls that the stop signal interrupted go on (internal)
 *
 * SA_RESTART restarts most calls; not those that wait for events, and none on a socket
 * with a timeout (waits.h has all of them).  Called at the end of the handler of a signal that is
 * the runtime's, with its third argument, this makes them begin again, as if there had been no
 * signal.  What is left out returns EINTR: restart_amd64.c says what, beside that table.
 */
#ifndef MWI_OS_RESTART_H
#define MWI_OS_RESTART_H

#include <stdbool.h>
#include <stdint.h>

/* The call with a timeout that was interrupted last; one for each thread, zero at first. */
struct mwi_os_since {
  uintptr_t pc, sp;
  int64_t number;
  long long arg[2];
  int64_t until_ns, last_ns;
  int32_t set_ms; /* the timeout that it was given */
};

/* number: that of the call, where the runtime made it and knows; else -1.  since: NULL if the
 * thread has none. */
void mwi_os_restart_call(void *uc, long number, struct mwi_os_since *since);

/* A system call of the runtime's that signals may end, or must not: its instruction can be told
 * from all others, those that a handler makes on top of it above all. */
long mwi_os_call(long number, long a, long b, long c, long d, long e, long f);
/* Did the signal come at its `syscall`, or behind it? */
bool mwi_os_in_call(const void *uc);

/* The opposite of restart: the call at or behind whose `syscall` the signal came returns EINTR if
 * it has not returned anything else.  False: the signal came elsewhere. */
bool mwi_os_cut_call(void *uc);

/* Is what uc goes on with a `syscall`: a call that begins, or begins again? */
bool mwi_os_at_call(const void *uc);
/* ... one that SA_RESTART does not have begin again [OW1]? */
bool mwi_os_call_never_restarts(const void *uc);

/* From a handler on top of nothing else, back to what it has interrupted. */
_Noreturn void mwi_os_sigreturn(void *uc);

#endif
