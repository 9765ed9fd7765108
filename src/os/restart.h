/* SPDX-License-Identifier: MIT */
/*
 * os/restart.h -- system calls that the stop signal interrupted go on (internal)
 *
 * SA_RESTART restarts most calls; not those that wait for events (poll,
 * epoll_wait, select, pause, sigsuspend, System V's queues and semaphores, ...).
 * Called at the end of the stop signal's handler with its third argument, this
 * makes those that have no timeout, and sleeps that know what is left of them,
 * begin again, as if there had been no signal.  Others return EINTR.
 *
 * number: that of the call, where the runtime made it and knows; else 0.
 */
#ifndef MWI_OS_RESTART_H
#define MWI_OS_RESTART_H

#include <stdbool.h>

void mwi_os_restart_call(void *uc, long number);

/* The opposite: the runtime's own call, at or behind whose `syscall` the signal came, returns
 * EINTR if it has not returned anything else.  False: the signal came elsewhere. */
bool mwi_os_cut_call(void *uc);

#endif
