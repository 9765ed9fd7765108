/* SPDX-License-Identifier: MIT */
/*
 * debug/goroutines.h -- the stacks of all goroutines (internal)
 *
 * Two situations.  In a living program the world is stopped for as long as
 * taking addresses lasts, then runs again while they are printed.  In a dying
 * one no lock can be trusted: threads are frozen by a signal and stay so.
 */
#ifndef MWI_DEBUG_GOROUTINES_H
#define MWI_DEBUG_GOROUTINES_H

#include "debug/traceback.h"

/*
 * Stacks of all goroutines of the program, taken in one stop of the world, in
 * order of creation.  The caller is a goroutine and holds no lock; its own
 * stack is taken from here on up.  NULL: no memory.  Give it back with
 * mwi_goroutines_free.  (Printed by mw_print_goroutines, counted by profiles.)
 */
struct mwi_goroutines {
  size_t n;
  size_t bytes; /* of this mapping */
  struct mwi_numbered {
    uint64_t id;
    void *p;
  } by_id[]; /* n of them, sorted */
};
MWI_INLINE const struct mwi_gtrace *mwi_goroutines_at(const struct mwi_goroutines *all, size_t i) {
  return all->by_id[i].p;
}
struct mwi_goroutines *mwi_goroutines_take(bool system);
void mwi_goroutines_free(struct mwi_goroutines *all);

/*
 * A dying process, on the thread that has the last word (debug/fatal.c): stop
 * the other threads as far as they can be stopped, then print every goroutine
 * but `except`.
 */
void mwi_goroutines_freeze(bool system);
void mwi_goroutines_print_frozen(int fd, const struct mwi_g *except, bool system);

#endif
