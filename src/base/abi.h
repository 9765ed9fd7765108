/* SPDX-License-Identifier: MIT */
/*
 * base/abi.h -- what compiled code and the runtime agree on
 *
 * Job      The one place where the plugin (which emits code) and libmallow
 *          (which that code calls) take their common facts from: offsets in
 *          the thread control block, the layout and module descriptors, the
 *          names and calling conventions of the entry points.
 * Promise  [A1] Instrumented code reaches thread state only through the
 *          segment register (%gs on x86-64), freshly each time.  A pointer to
 *          it in a register is stale once the goroutine has migrated.
 *          [A2] MWI_TCB_WB changes only while the world is stopped, so a flag
 *          read and the store that follows it see one phase of the collector,
 *          provided nothing between them can stop (no call, no poll).
 *          [A3] Every thread has a valid %gs base before it can run
 *          instrumented code: its own block, or the shared `mwi_tcb_foreign`,
 *          whose bits force every path into its slow half, which attaches.
 * Used by  plugin/ (as numbers), src/ (as structs; checked by static asserts
 *          in base/tcb.h).  Plain C, no includes but <stdint.h>.
 */
#ifndef MWI_BASE_ABI_H
#define MWI_BASE_ABI_H

#include <stdint.h>

#define MWI_ABI_VERSION 2

/* Offsets from %gs:0 (struct mwi_tcb). */
#define MWI_TCB_POLL 0    /* uint8_t: nonzero asks for mwi_rt_poll at the next safepoint */
#define MWI_TCB_WB 1      /* uint8_t: nonzero while marking: stores take the barrier */
#define MWI_TCB_EXT 3     /* uint8_t: compiled code sets it before it calls what may call back */
#define MWI_TCB_MCACHE 16 /* struct mwi_mcache *: this processor's, or the empty one */

/*
 * Allocation fast path.  An mcache begins with an array of cursors, one for
 * each span class.  Cursor 0 never has room, and a layout's `cursor` starts
 * as 0: the first allocation takes the slow path, which resolves the layout.
 *
 *     c = gs:[MWI_TCB_MCACHE] + layout->cursor
 *     p = c->next;  n = p + slot_bytes
 *     if (n > c->limit) return mwi_rt_new(layout)
 *     c->next = n;  return p               (memory there is zero already)
 */
struct mwi_cursor {
  uintptr_t next;  /* next free slot */
  uintptr_t limit; /* end of the free run */
};

/*
 * Layout of a type: where its pointers are.  One for each type that a module
 * allocates; emitted by the plugin as writable data, because the runtime
 * stores what it resolves (class) in it.  mask bit i: word i of the element
 * may hold a pointer; the mask covers `period` words and repeats.  Words of
 * unions and words of unknown type have their bit set.
 */
struct mwi_layout {
  /* constant */
  uint64_t size;        /* bytes: sizeof(T) */
  uint32_t align;       /* bytes */
  uint32_t period;      /* words that mask covers; 0: no pointers (noscan) */
  const uint64_t *mask; /* (period + 63) / 64 words, NULL when period is 0 */
  const char *name;     /* the type's name, for reports */
  /* atomic, relaxed: written by the runtime once, same value by all */
  uint32_t cursor; /* byte offset of the cursor in the mcache; 0 until resolved */
  uint32_t slot;   /* slot size in bytes, once resolved */
};
#define MWI_LAYOUT_OFF_CURSOR 32
#define MWI_LAYOUT_OFF_SLOT 36

/* A range of a module's data that may hold pointers. */
struct mwi_global {
  void *addr;           /* word aligned */
  uint64_t size;        /* bytes */
  const uint64_t *mask; /* as in mwi_layout; NULL: every word may be a pointer */
  uint64_t period;      /* words covered by mask; 0 with mask NULL */
};

/* One for each compiled translation unit; passed to mwi_rt_module_add. */
struct mwi_module {
  uint32_t abi;                     /* MWI_ABI_VERSION */
  uint32_t nglobals;                /* entries in globals */
  const struct mwi_global *globals; /* ordinary globals */
  /* bounds of the linked image's instrumented text (section "mw_text") */
  const void *text_start, *text_stop;
  const char *source;      /* source file name, for reports */
  uint32_t has_tls;        /* nonzero: defines thread-locals that may hold pointers */
  uint32_t step;           /* 0: pointers are aligned; 1, 2 or 4: some may be at multiples of it */
  struct mwi_module *next; /* owned by the runtime */
};

/*
 * Section for the text of instrumented functions.  Linkers define
 * __start_mw_text and __stop_mw_text for it; the signal handler that stops a
 * thread asks whether the interrupted PC is inside.
 */
#define MWI_TEXT_SECTION "mw_text"
/* The runtime's own text is in "mw_rt_text", found in the same way (base/rt_text.h). */

/*
 * Entry points for compiled code.  P: LLVM's preserve_mostcc, so that the
 * fast path around the call keeps its registers.  C: the ordinary convention.
 *
 *  P void  mwi_rt_poll(void)                       safepoint, poll byte was set
 *  P void  mwi_rt_wb(void **slot, void *val)       before *slot = val, flag was set
 *  P void  mwi_rt_wb_copy(void *dst, const void *src, uint64_t n)
 *                                                  before memcpy/memmove, flag was set
 *  P void  mwi_rt_wb_clear(void *dst, uint64_t n)  before memset, flag was set
 *  P void  mwi_rt_wb_piece(void *p, uint64_t value, uint64_t n)
 *                                                  before a store of n bytes (8 at most) of a
 *                                                  number to p, flag was set
 *  P void  mwi_rt_wb_pieces(void *p, uint64_t n)   before such stores to [p, p + n), and again
 *                                                  behind them, flag was set
 *  P void  mwi_rt_ext(void *callee, void *arg)     before an external call, flag was set:
 *                                                  once for each pointer argument
 *  C void *mwi_rt_new(struct mwi_layout *)         one zeroed object
 *  C void *mwi_rt_new_var(struct mwi_layout *)     one zeroed variable that moved to the heap
 *  C void *mwi_rt_new_raw(struct mwi_layout *)     the same, not zeroed, of whose mask only
 *                                                  counts whether there is one
 *  C void *mwi_rt_make(struct mwi_layout *, uint64_t n)
 *  C void *mwi_rt_new_flex(struct mwi_layout *head, struct mwi_layout *elem,
 *                          uint64_t offset, uint64_t n)
 *  C mw_chan *mwi_rt_chan_make(struct mwi_layout *elem, uint64_t cap)
 *  C void  mwi_rt_module_add(struct mwi_module *)  from a constructor, before main
 *  C void  mwi_rt_module_remove(struct mwi_module *)   from a destructor (dlclose)
 *  C int   mwi_rt_main(int (*user_main)(int, char **, char **), int, char **, char **)
 */

#endif
