/* SPDX-License-Identifier: MIT */
/*
 * sched/stack.h -- goroutine stacks (internal)
 *
 * A stack is a slot of reserved address space.  Pages appear when they are
 * touched, so it grows by itself down to `lo`; everything below faults.
 *
 *     slot              lo                                   hi
 *     [ guard, faults   ][ untouched ...   | used pages, growing down ]
 *
 * stack.c hands slots out, stack_space.c reserves them, stack_memory.c makes them
 * accessible or not; fold.c gives memory of parked goroutines back; foldmem.c keeps
 * what was folded.
 */
#ifndef MWI_SCHED_STACK_H
#define MWI_SCHED_STACK_H

#include "sched/sched.h"

/*
 * Sizes by the number of stacks in use.  Large: a recursion a million deep
 * with frames of 128 bytes and more, as -O0 makes them, and 256 GB of address
 * space at most.  Small: what ordinary C libraries need.  Tiny: half of that,
 * because a used page shares its page of page table with those of all slots
 * within 2 MB, and at 100,000 goroutines that is what they differ by.
 */
#define MWI_STACK_LARGE (256 * MWI_MB)
#define MWI_STACK_NLARGE 1024
#define MWI_STACK_SMALL (256 * MWI_KB) /* with its guard, as tiny ones */
#define MWI_STACK_NSMALL 16384
#define MWI_STACK_TINY (128 * MWI_KB)

#define MWI_STACK_BLOCK (2 * MWI_MB) /* what one page of page table covers */
#define MWI_STACK_MAX MWI_GB         /* what may be asked for, unless mw_set_max_stack says less */

/* A quarter of a slot below MWI_STACK_BLOCK is its guard; larger ones have a block below them.  The
 * frames of code that is not ours are not probed, and one that is larger than the guard may reach
 * the next stack.  Guards cost no memory where slots share their page of page table. */
#define MWI_STACK_USABLE(slot) ((slot) - (slot) / 4)

/* ---- Slots (stack.c) --------------------------------------------------- */

/* A stack of the adaptive size (bytes 0), or of at least `bytes`.  false: no
 * address space.  The owner is set by mwi_stack_own. */
bool mwi_stack_take(struct mwi_stack *out, size_t bytes);
_Noreturn void mwi_stack_none(void); /* the end for whoever needs one */
void mwi_stack_put(const struct mwi_stack *s);
void mwi_stack_put_closed(const struct mwi_stack *s); /* after mwi_slot_close */
void mwi_stack_own(const struct mwi_stack *s, struct mwi_g *g);

/* Is s what a new goroutine would get, or more?  By the number of goroutines as
 * of the last mwi_stack_take or _put. */
extern _Atomic size_t mwi_stack_want, mwi_stack_most;
MWI_INLINE bool mwi_stack_fits(const struct mwi_stack *s) {
  size_t bytes = s->hi - s->lo;
  return bytes >= mwi_load_relaxed(&mwi_stack_want) && bytes <= mwi_load_relaxed(&mwi_stack_most);
}

/* Is addr below the stack of the slot that it is in?  *limit: that stack's
 * size.  Async-signal-safe. */
bool mwi_stack_guard_hit(uintptr_t addr, size_t *limit);
/* The goroutine that owns the slot at addr, or NULL.  Async-signal-safe; may
 * be stale at once. */
struct mwi_g *mwi_stack_owner(uintptr_t addr);

size_t mwi_stack_max(void);   /* mw_set_max_stack's */
bool mwi_stack_markers(void); /* has the kernel guard markers? */

/* Stacks in use by goroutines or kept by dead ones, address space taken,
 * slots whose memory is accessible. */
size_t mwi_stack_inuse_slots(void);
size_t mwi_stack_sys_bytes(void);
size_t mwi_stack_resident_slots(void);
/* Bytes of stacks that are in memory, the kernel asked, and of the copies of folded ones.  Any
 * thread; takes no lock. */
uint64_t mwi_stacks_held(void);

/* The steps of fold.c.  The caller has the goroutine to itself. */
/* [from, hi) becomes read-only.  false: no mapping left; nothing has changed. */
bool mwi_slot_freeze(const struct mwi_stack *s, uintptr_t from);
void mwi_slot_thaw(const struct mwi_stack *s, uintptr_t from);
/* Pages back to the OS, accesses fault.  frozen_from: as frozen, or 0.  false:
 * refused; the slot is as it was, thawed. */
bool mwi_slot_close(const struct mwi_stack *s, uintptr_t frozen_from);
/* Accessible again, reading as zero.  false: no memory or no mapping left. */
bool mwi_slot_open(const struct mwi_stack *s);
/* Drop the pages of [lo, below), if the topmost of them is in memory: a stack
 * grows without gaps. */
void mwi_slot_trim(const struct mwi_stack *s, uintptr_t below);

/* Blocks, for the tidying pass: all slots within MWI_STACK_BLOCK, or one
 * larger slot.  fn gets the owners (NULL: none) of a block that has resident
 * slots; no lock is held. */
#define MWI_BLOCK_SLOTS (MWI_STACK_BLOCK / MWI_STACK_TINY)
struct mwi_block_view {
  uint32_t region, block, n;
  struct mwi_g *owner[MWI_BLOCK_SLOTS];
};
struct mwi_block_cursor {
  uint32_t region, block;
};
/* Is s slot i of b? */
bool mwi_block_has(const struct mwi_block_view *b, uint32_t i, const struct mwi_stack *s);
/* The next such block from *at on; false: no more. */
bool mwi_block_next(struct mwi_block_cursor *at, struct mwi_block_view *out);
/* Fold a whole block at once: the caller holds the goroutines of `nheld` of
 * its slots, and every other resident slot must be free.  copy(arg) is called
 * with the block read-only.  false: that is not so, copy returned false or the
 * kernel refused; nothing has changed, but copy may have been called. */
bool mwi_block_close(const struct mwi_block_view *b, uint32_t nheld, bool (*copy)(void *),
                     void *arg);

/* A cycle has ended: free stacks that nobody took since the last call give
 * their memory back.  Some of them; false when there are no more. */
void mwi_stack_age(void);
bool mwi_stack_age_some(void);
bool mwi_stack_any_free(void); /* are there free stacks that have memory? */

/* Mappings that stacks may cost (half of vm.max_map_count); tests set it.  0: few are needed so
 * far, and nobody has asked the kernel.  Under the stacks' lock. */
extern uint32_t mwi_stack_max_bounds;
uint32_t mwi_stack_bounds(void);

/* ---- Folding (fold.c) -------------------------------------------------- */

/* g->rest, set while the goroutine does not run; 0 while nothing is due. */
enum {
  MWI_REST_NEW = 1,    /* has no stack yet */
  MWI_REST_SEEN = 2,   /* parked when a collection scanned it, in g->rest_epoch */
  MWI_REST_IDLE = 4,   /* parked since an earlier epoch: to be folded */
  MWI_REST_SHRINK = 8, /* look for pages below its stack pointer */
  MWI_REST_KEPT = 16,  /* looked at: it cannot be folded, and has been shrunk */
  MWI_REST_FOLDED = 32
};

/* The scheduler, before it switches to g (RUNNING) while g->rest is not 0. */
void mwi_stack_resume(struct mwi_g *g);

/* g has ended, or never runs again: its stack goes back, folded or not, if it has one. */
void mwi_stack_drop(struct mwi_g *g);

/* The words of a goroutine that does not run: its stack, or the folded copy. */
struct mwi_stack_view {
  uintptr_t lo, hi;
};
struct mwi_stack_view mwi_stack_view(const struct mwi_g *g);
/* The same for the collector: until mwi_stack_return nobody unfolds it. */
struct mwi_stack_view mwi_stack_borrow(struct mwi_g *g);
void mwi_stack_return(struct mwi_g *g);

/* The collector scans g at rest and holds its scan bit. */
void mwi_stack_scanned(struct mwi_g *g);
/* g runs on a thread that is suspended. */
void mwi_stack_scanned_running(struct mwi_g *g);
/* Marking begins.  forced: by mw_gc, which always counts as an epoch. */
void mwi_stack_epoch_stw(bool forced);
/* Marking ends, the world is stopped: are scan bits needed on? */
bool mwi_fold_needs_bits(void);

/* Fold what is idle and shrink what is due, now.  Goroutine context. */
void mwi_stacks_tidy(void);
/* The same later, in a goroutine of its own, if there is anything to do. */
void mwi_stacks_tidy_later(void);

/* GODEBUG=foldstress=1, or mappings are short: fold each goroutine when it
 * parks.  Tested by the scheduler. */
extern _Atomic bool mwi_fold_at_park;
void mwi_fold_under_pressure(bool on);
void mwi_fold_parked(struct mwi_g *g);
void mwi_fold_init(void);
void mwi_fold_forget(void);

/* It is to be used by a system call, which g->lent says: unfold it if need be. */
void mwi_stack_bring_back(struct mwi_g *g);
extern _Atomic uint32_t mwi_lent_many; /* lend.c: fold nothing */

/* A fault at addr, in a signal handler.  True: the memory is there now. */
bool mwi_stack_fault(uintptr_t addr);
/* Set by debug/crash.c: do faults reach mwi_stack_fault?  Nothing is folded otherwise. */
extern bool (*mwi_faults_reach_us)(void);

struct mwi_fold_stats {
  uint64_t bytes; /* used bytes of stacks that are folded */
  uint64_t held;  /* memory that holds them */
  uint64_t folds, unfolds, faults;
};
void mwi_fold_read_stats(struct mwi_fold_stats *out);

/* ---- Compact buffers (foldmem.c) --------------------------------------- */

#define MWI_FOLD_MAX (16 * MWI_KB)
/* NULL: no memory, or more than MWI_FOLD_MAX.  16-aligned, not zeroed. */
void *mwi_foldmem_alloc(size_t bytes);
void mwi_foldmem_free(void *p);
size_t mwi_foldmem_held(void); /* bytes in spans in use */

#endif
