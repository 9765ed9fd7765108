/* SPDX-License-Identifier: MIT */
/*
 * sched/sema.h -- sleep and wake-up on an address (internal)
 *
 * Job      What a futex is to threads, for goroutines: any 32-bit word in the
 *          program's memory can count permits, and goroutines that find none
 *          park in a table keyed by the word's address.  Mutexes, wait groups,
 *          condition variables and semaphores are built on it.
 * Promise  [SE1] An acquire returns only after taking one permit.  A release
 *          adds one and, if a goroutine waits on that address, wakes exactly one.
 *          [SE2] No wake-up is lost: a waiter counts itself before it looks at
 *          the word for the last time; a release adds to the word before it
 *          looks at the count of waiters.
 * Threads  any goroutine.  The word is in the program's memory and may be in
 *          the collected heap: the waiting goroutine's stack keeps it alive.
 */
#ifndef MWI_SCHED_SEMA_H
#define MWI_SCHED_SEMA_H

#include "sched/sched.h"

/* Take a permit; park until there is one.  lifo: at the head of the queue. */
void mwi_sema_acquire(_Atomic uint32_t *addr, bool lifo, enum mwi_wait reason);
/* Add a permit.  handoff: give it directly to the first waiter and let that
 * goroutine run before the caller goes on. */
void mwi_sema_release(_Atomic uint32_t *addr, bool handoff);

/* In a forked child: nobody waits. */
void mwi_sema_forget(void);

/*
 * Turn-taking on an address, for condition variables.  Tickets are numbers
 * drawn from *wait; *notify is the next one to be woken.
 */
void mwi_notify_wait(_Atomic uint32_t *notify, uint32_t ticket);
void mwi_notify_one(_Atomic uint32_t *wait, _Atomic uint32_t *notify);
void mwi_notify_all(_Atomic uint32_t *wait, _Atomic uint32_t *notify);

#endif
