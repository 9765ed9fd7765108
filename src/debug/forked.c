/* SPDX-License-Identifier: MIT */
/*
 * debug/forked.c -- look-ups and profiles on both sides of a fork
 *
 * Job      No thread is inside of libdw at the moment of the fork, whose lock
 *          would stay taken in the child and whose tables half read; and the
 *          child has no CPU profile on.
 * How      The lock of symbol.c is no lock of the runtime's: its holder may be
 *          stopped in libdw.  So it is taken before the world is.
 * Next     sched/fork.c
 */
#include "debug/cpuprof.h"
#include "debug/profile.h"
#include "debug/symbol.h"
#include "sched/proc.h"

static bool held; /* by the thread that forks */

static void step(enum mwi_fork_step s) {
  switch (s) {
  case MWI_FORK_BEFORE:
    held = mwi_symbol_hold();
    break;
  case MWI_FORK_PARENT:
  case MWI_FORK_CHILD:
    if (held)
      mwi_symbol_let_go();
    else if (s == MWI_FORK_CHILD)
      mwi_symbol_forget();
    break;
  case MWI_FORK_GOES_ON:
    mwi_cpuprof_forget();
    break;
  }
}

void mwi_forked_init(void) {
  mwi_fork_debug = step;
}
