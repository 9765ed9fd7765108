/* SPDX-License-Identifier: MIT */
/*
 * debug/fatal.h -- how the process ends when it must (internal)
 *
 * mwi_fatal (base/base.h) and the signal handlers (debug/crash.c) end in the
 * same way: take the last word, say what happened, mwi_die.
 */
#ifndef MWI_DEBUG_FATAL_H
#define MWI_DEBUG_FATAL_H

#include "os/context.h"

/*
 * Become the one thread that speaks for the dying process.  Other threads that
 * come later wait for ever.  False: this thread has it already and has failed
 * again while it was speaking: write one line, then _exit(2).
 */
bool mwi_last_word(void);

struct mwi_death {
  const struct mwi_context *ctx; /* where the failing code stands */
  bool exact;                    /* ctx is an interrupted instruction, not a return address */
  bool all;                      /* every goroutine, though GOTRACEBACK says single */
  int signal;                    /* die by it; 0: exit status 2 */
};

/* Print traces as GOTRACEBACK wants them and end the process. */
_Noreturn void mwi_die(const struct mwi_death *d);

/* Install handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGQUIT where the
 * program has none (debug/crash.c).  Start-up, before user code. */
void mwi_crash_init(void);

#endif
