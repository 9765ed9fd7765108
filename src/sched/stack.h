/* SPDX-License-Identifier: MIT */
/*
 * sched/stack.h -- goroutine stacks (internal)
 *
 * A stack is a slot of reserved address space.  Pages appear when they are
 * touched, so it grows by itself up to the slot's size; below it lies a guard.
 *
 *     lo - guard        lo                                   hi
 *     [ guard, faults ][ untouched ...    | used pages, growing down ]
 */
#ifndef MWI_SCHED_STACK_H
#define MWI_SCHED_STACK_H

#include "base/base.h"

#define MWI_STACK_LARGE (64 * MWI_MB)  /* while goroutines are few */
#define MWI_STACK_SMALL (256 * MWI_KB) /* past MWI_STACK_NLARGE of them */
#define MWI_STACK_NLARGE 2048          /* 128 GB of address space, and two mappings each at worst */
#define MWI_STACK_GUARD (16 * MWI_KB)

enum mwi_stack_class { MWI_STACK_CLASS_LARGE, MWI_STACK_CLASS_SMALL, MWI_STACK_CLASS_OWN };

struct mwi_stack;
struct mwi_p;

/* A stack of the adaptive size (bytes 0), or of at least `bytes`.  false: no
 * address space.  p: cache to look in first, may be NULL. */
bool mwi_stack_take(struct mwi_p *p, struct mwi_stack *out, size_t bytes);
void mwi_stack_put(struct mwi_p *p, struct mwi_stack *s);

/* Is addr in the guard of a stack?  *limit: that stack's size.  Async-signal-safe. */
bool mwi_stack_guard_hit(uintptr_t addr, size_t *limit);

/* Bytes of slots in use by goroutines, counted as resident at most; and
 * address space taken. */
size_t mwi_stack_inuse_slots(void);
size_t mwi_stack_sys_bytes(void);

#endif
