/* SPDX-License-Identifier: MIT */
/*
 * os/thread.h -- threads before they belong to the scheduler (internal)
 *
 * The library interposes pthread_create: a new thread inherits its parent's
 * %gs base from the kernel, and must not run a single instrumented instruction
 * on the parent's block [A3].  The cover points the thread at mwi_tcb_foreign
 * first; the thread is attached when it first needs the runtime.
 */
#ifndef MWI_OS_THREAD_H
#define MWI_OS_THREAD_H

#include <pthread.h>

#include "base/tcb.h"

/* An M's own (system) stack: the scheduler, marking and sweeping run there,
 * and libelf when a trace is symbolised. */
#define MWI_M_STACK_BYTES (256 * MWI_KB)

int mwi_real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);

/* Why threads would start without the cover, or NULL: to be asked before anything starts. */
const char *mwi_os_threads_uncovered(void);

/* fn(arg).  A frame that returns to mwi_bottom_return is the first of a thread
 * (bottom_amd64.S): below it are only the cover and libc's start. */
void *mwi_bottom_call(void *(*fn)(void *), void *arg);
extern const char mwi_bottom_return[] __attribute__((visibility("hidden")));

/* The calling thread's block: what a signal's handler begins with.  A thread that has just been
 * made has its creator's until the cover runs, and one that libc has made for itself may keep it;
 * there the handler, and all that follows, has the foreign one [A3]. */
struct mwi_tcb *mwi_tcb_of_thread(void);

/* Give the calling thread a block of its own without attaching it to the
 * scheduler: unit tests of lower layers. */
void mwi_test_thread_init(void);

/* Threads made through pthread_create that have not ended, attached or not. */
extern _Atomic int32_t mwi_thread_count;

/* Called when an attached foreign thread exits (sched/m.c fills it), for
 * threads that asked to be watched since the last call.  May use libc's malloc. */
extern void (*_Atomic mwi_thread_exit_hook)(void); /* relaxed: everybody writes the same */
void mwi_os_thread_watch(void);
/* What a thread is given and gives, while only libc has it (sched/kept.c fills it, when there is a
 * heap).  give: the creator's, of the argument, or 0: nothing; give_up: there is no thread.  take:
 * the new thread's, which has the argument, and will call fn with it.  gives: the thread's, of its
 * result.
 */
struct mwi_thread_hooks {
  uintptr_t (*give)(void *arg);
  void (*give_up)(uintptr_t given);
  void (*take)(uintptr_t given, void *arg, void (*fn)(void));
  void (*gives)(void *result);
};
extern struct mwi_thread_hooks mwi_thread_hooks; /* constant after init */

/* Called when a thread no longer counts in mwi_thread_count.  Any thread. */
extern void (*mwi_thread_ended_hook)(void);

#endif
