/* SPDX-License-Identifier: MIT */
/*
 * sched/asan.h -- tell AddressSanitizer which stack is in use (internal)
 *
 * Job      A program built with -fsanitize=address, or a runtime that is, has the
 *          sanitizer ask before a longjmp, an exit or a mw_goexit what of the
 *          current stack is to be clean again.  It knows the threads' own stacks
 *          only; on a goroutine's it would warn and leave the marks of abandoned
 *          frames behind, which it then takes for errors.
 * How      Its interface for fibers: both halves before the switch, since the new
 *          stack has no fake frames to be told of (driver/cc.c turns them off).
 *          Weak references: without the sanitizer they are null.
 */
#ifndef MWI_SCHED_ASAN_H
#define MWI_SCHED_ASAN_H

#include "sched/proc.h"

void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t bytes)
    __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *fake, const void **old_bottom, size_t *old_bytes)
    __attribute__((weak));

/* From the thread's own stack, the scheduler loop's, to g's. */
MWI_INLINE void mwi_asan_to_g(struct mwi_m *m, const struct mwi_g *g) {
  if (MWI_LIKELY(!__sanitizer_start_switch_fiber)) return;
  __sanitizer_start_switch_fiber(NULL, (const void *)g->stack.lo, g->stack.hi - g->stack.lo);
  __sanitizer_finish_switch_fiber(NULL, &m->asan_stack, &m->asan_bytes);
}

/* From a goroutine's to next's, or with NULL to the loop's. */
MWI_INLINE void mwi_asan_from_g(const struct mwi_m *m, const struct mwi_g *next) {
  if (MWI_LIKELY(!__sanitizer_start_switch_fiber)) return;
  if (next)
    __sanitizer_start_switch_fiber(NULL, (const void *)next->stack.lo,
                                   next->stack.hi - next->stack.lo);
  else
    __sanitizer_start_switch_fiber(NULL, m->asan_stack, m->asan_bytes);
  __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
}

#endif
