/* SPDX-License-Identifier: MIT */
/* sched/kept.h -- objects that only libc or the kernel holds for a while (internal; kept.c) */
#ifndef MWI_SCHED_KEPT_H
#define MWI_SCHED_KEPT_H

#include "base/base.h"

enum mwi_kept_by { MWI_KEPT_THREAD, MWI_KEPT_TIMER, MWI_KEPT_EPOLL };

/* p's object is kept for who may get it back by (by, key), instead of what was kept before; NULL,
 * or what is not collected: of nothing.  Not in a handler of signals. */
void mwi_keep(enum mwi_kept_by by, uint64_t key, void *p);

/* What a thread of the program's gives to those that join it.  On that thread, at its end. */
void mwi_thread_gives(void *result);

void mwi_kept_init(void);

#endif
