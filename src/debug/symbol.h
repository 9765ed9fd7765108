/* SPDX-License-Identifier: MIT */
/*
 * debug/symbol.h -- from an address to names and lines (internal)
 *
 * Job      Function, file, line and the calls that the compiler inlined, for
 *          tracebacks and for profiles.
 * Promise  [Y1] A program does not depend on elfutils: libdw is opened on the
 *          first look-up; without it, or without debug information, answers get
 *          poorer (ELF symbol, then module and offset) and never fail.
 *          [Y2] A fatal error may come out of malloc itself, with its lock
 *          held: after mwi_symbol_last_words a look-up that faults or hangs in
 *          libdw is abandoned, and the poorer answers begin.
 * Threads  any; look-ups take turns.  They use libc's malloc, so never while
 *          another thread is stopped, except after mwi_symbol_last_words.
 * Stack    libdw wants some tens of kilobytes: a thread's or a large
 *          goroutine's stack, not a signal's.
 */
#ifndef MWI_DEBUG_SYMBOL_H
#define MWI_DEBUG_SYMBOL_H

#include "base/base.h"

/* One logical frame.  Strings live until the visitor returns. */
struct mwi_frame {
  const char *function; /* NULL: unknown */
  const char *file;     /* absolute where known; NULL: unknown */
  int line;             /* 0: unknown */
  int start_line;       /* where the function is declared; 0: unknown */
  bool inlined;         /* into the frame that is visited next */
  uintptr_t offset;     /* of pc from the function's start, or from the module's */
  const char *module;   /* path of the executable or library; NULL: no code there */
};

#define MWI_MAX_INLINED 32 /* deeper nests lose their outer calls */

/*
 * Visit the frames at `pc`, innermost first: the inlined calls, then the
 * function itself; at least one visit.  pc is a return address (as
 * mwi_unwind_pc gives them): the instruction before it is what is looked up.
 */
void mwi_symbolize(uintptr_t pc, void (*visit)(const struct mwi_frame *f, void *arg), void *arg);

/* [Y2] The calling thread alone looks up from here on, and the process is about
 * to end: its SIGSEGV, SIGBUS, SIGABRT and SIGALRM are taken over. */
void mwi_symbol_last_words(void);

/* Around a fork: nobody is in a look-up.  False: somebody still was after a second; then
 * the child looks up no names.  Whoever holds lets go, in the child too. */
bool mwi_symbol_hold(void);
void mwi_symbol_let_go(void);
void mwi_symbol_forget(void); /* in the child instead, when it was not held */

#endif
