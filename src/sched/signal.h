/* SPDX-License-Identifier: MIT */
/*
 * sched/signal.h -- what the files of this subject share (internal)
 *
 * Job      signal.c delivers to handlers, signal_notify.c to channels, signal_mask.c keeps the
 *          masks, signal_older.c has what came before sigaction.  What others may call is in
 * proc.h.
 */
#ifndef MWI_SCHED_SIGNAL_H
#define MWI_SCHED_SIGNAL_H

#include <signal.h>

#include <mallow.h>

#include "base/base.h"

#define MWI_NSIG 65
MWI_INLINE bool mwi_signal_valid(int sig) {
  return sig > 0 && sig < MWI_NSIG;
}

/* Whoever changes what a signal does holds it, but in handlers.  Rank SEMA: channels are used
 * inside of it. */
extern mw_mutex mwi_actions_lock;
int mwi_action_set_locked(int sig, const struct sigaction *act, struct sigaction *old);
void mwi_action_hear_locked(int sig, bool hear); /* by channels */

int mwi_rt_sigaction(int sig, const struct sigaction *act, struct sigaction *old);
int mwi_rt_sigprocmask(int how, const sigset_t *set, sigset_t *old);

/* The handler of signals that somebody listens to; faults among them are the runtime's. */
void mwi_signal_note(int sig, siginfo_t *info, void *uc);

#endif
