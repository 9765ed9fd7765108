/* SPDX-License-Identifier: MIT */
/*
 * base/tcb.h -- the thread control block at %gs:0 (internal)
 *
 * Job      State of a thread that compiled code and the runtime's fast paths
 *          reach in one instruction.  Constant for the thread's life; it is
 *          the head of the thread's `struct mwi_m` (sched/proc.h).
 * Promise  [A1], [A3] of base/abi.h.  [T1] `rt` > 0 while the thread must not
 *          be stopped by the signal's handler: it holds a runtime lock or has
 *          state half-made.  A poll does not stop it either.
 * Threads  the owner reads and writes; `poll` is set by others too.
 * Next     sched/proc.h, sched/stop.c
 */
#ifndef MWI_BASE_TCB_H
#define MWI_BASE_TCB_H

#include "base/base.h"

/* A thread without a processor has this one, which is always empty (heap/mcache.c). */
struct mwi_mcache;
extern struct mwi_mcache mwi_mcache_none;

struct mwi_tcb {
  _Atomic uint8_t poll;      /* atomic, relaxed: set by stoppers and sysmon; see sched/stop.c */
  uint8_t wb;                /* marking is on; written while this thread is stopped [A2] */
  uint8_t attached;          /* 0 only in mwi_tcb_foreign */
  uint8_t ext;               /* owner: external frames may lie below, see sched/external.c */
  int32_t rt;                /* [T1] */
  struct mwi_tcb *self;      /* this block's address */
  struct mwi_mcache *mcache; /* the P's, or mwi_mcache_none */
  struct mwi_g *g;           /* running goroutine; the M's g0 on the system stack is not counted */
  struct mwi_p *p;           /* processor held, or NULL */
  struct mwi_gcp *gcp;       /* that processor's collector state (gc/work.h), or NULL */
  struct mwi_m *m;           /* the thread; NULL only in mwi_tcb_foreign */
  uintptr_t thread;          /* its thread pointer (os/tls.h); 0: no signal comes there */
  /* handlers of the program's that run on this thread: sched/signal.c */
  _Atomic uint32_t sig;         /* how many; others guess: an idle thread that is free has none */
  uint32_t held;                /* how many of them interrupted what must not be stopped */
  uint32_t waits;               /* how many interrupted a wait: `rt` counts from 0 since [N6] */
  struct mwi_handler *handlers; /* the latest */
  _Atomic uint8_t scan; /* goroutines' scan bits are in use: set with the world stopped, cleared
                           any time (sched/sched.h) */
};

_Static_assert(offsetof(struct mwi_tcb, poll) == MWI_TCB_POLL, "ABI");
_Static_assert(offsetof(struct mwi_tcb, wb) == MWI_TCB_WB, "ABI");
_Static_assert(offsetof(struct mwi_tcb, ext) == MWI_TCB_EXT, "ABI");
_Static_assert(offsetof(struct mwi_tcb, mcache) == MWI_TCB_MCACHE, "ABI");
_Static_assert(offsetof(struct mwi_layout, cursor) == MWI_LAYOUT_OFF_CURSOR, "ABI");
_Static_assert(offsetof(struct mwi_layout, slot) == MWI_LAYOUT_OFF_SLOT, "ABI");

/* What %gs points to on threads that have not been attached. */
extern struct mwi_tcb mwi_tcb_foreign;

/* The calling thread's block.  Stale after anything that can switch
 * goroutines: read it again [A1]. */
MWI_INLINE struct mwi_tcb *mwi_tcb(void) {
  struct mwi_tcb *t;
  __asm__ volatile("movq %%gs:%c1, %0" : "=r"(t) : "i"(offsetof(struct mwi_tcb, self)));
  return t;
}

/* Bracket runtime code that must not be stopped [T1].  Nests. */
MWI_INLINE void mwi_rt_enter(void) {
  __asm__ volatile("incl %%gs:%c0" : : "i"(offsetof(struct mwi_tcb, rt)) : "memory", "cc");
}
MWI_INLINE void mwi_rt_leave(void) {
  __asm__ volatile("decl %%gs:%c0" : : "i"(offsetof(struct mwi_tcb, rt)) : "memory", "cc");
}

/* Goroutines' scan bits may be set by somebody. */
MWI_INLINE bool mwi_scan_bits_on(void) {
  uint8_t v;
  __asm__ volatile("movb %%gs:%c1, %0" : "=q"(v) : "i"(offsetof(struct mwi_tcb, scan)));
  return v != 0;
}

/* Marking is on. */
MWI_INLINE bool mwi_wb_on(void) {
  uint8_t v;
  __asm__ volatile("movb %%gs:%c1, %0" : "=q"(v) : "i"(offsetof(struct mwi_tcb, wb)));
  return v != 0;
}

#endif
