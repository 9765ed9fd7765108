/* SPDX-License-Identifier: MIT */
/*
 * debug/traceback.h -- stacks of goroutines: taking them, printing them (internal)
 *
 * A stack is first *taken* (addresses only; a signal handler may do that, or
 * a thread that has the world stopped) and later *printed* (names and lines,
 * with malloc behind them; every thread may run again by then).
 */
#ifndef MWI_DEBUG_TRACEBACK_H
#define MWI_DEBUG_TRACEBACK_H

#include "debug/symbol.h"
#include "debug/unwind.h"
#include "sched/sched.h"

/* As Go: of a deep stack the innermost and the outermost frames are shown. */
#define MWI_TRACE_INNER 50
#define MWI_TRACE_OUTER 50
#define MWI_TRACE_MAX (MWI_TRACE_INNER + MWI_TRACE_OUTER)

struct mwi_trace {
  uint64_t total;              /* frames seen; all but MWI_TRACE_MAX of them are elided */
  uintptr_t pc[MWI_TRACE_MAX]; /* innermost first; the outer ones are a ring */
};

/* Walk *u to its end.  `system`: keep the runtime's own frames. */
void mwi_trace_take(struct mwi_trace *t, struct mwi_unwind *u, bool system);
/* Frames kept, and the i-th of them. */
size_t mwi_trace_len(const struct mwi_trace *t);
uintptr_t mwi_trace_pc(const struct mwi_trace *t, size_t i);

/* The name under which a frame is shown ("??": unknown).  NULL: it belongs to
 * what starts a thread or calls main, which only GOTRACEBACK=system shows. */
const char *mwi_frame_shown(const struct mwi_frame *f);

/* Print one frame for each line and its place on the next, as Go does. */
void mwi_trace_print(int fd, const struct mwi_trace *t, bool system);

/* What is shown of a goroutine, as it was when its stack was taken. */
struct mwi_gtrace {
  uint64_t id;
  const char *state; /* Go's word: "running", "chan receive", ... */
  int64_t wait_minutes;
  bool locked;
  bool unavailable; /* runs on a thread that could not be asked */
  uint64_t creator_id;
  uintptr_t creator_pc; /* 0: nobody's, the main goroutine */
  const void *g;
  uint32_t m; /* thread's number, 0: none */
  struct mwi_trace trace;
};

/* Fill everything but the trace from g. */
void mwi_gtrace_describe(struct mwi_gtrace *t, struct mwi_g *g, int64_t now);
/* `goroutine 7 [chan receive]:`, the frames, `created by`. */
void mwi_gtrace_print(int fd, const struct mwi_gtrace *t, bool system);

/* Start a walk at a context that mwi_switch or mwi_spill_call saved at sp.
 * `pad`: bytes below the registers (8 for mwi_spill_call's).  `at`: where the
 * word of address sp is (sp itself, unless the stack is folded). */
void mwi_unwind_saved(struct mwi_unwind *u, uintptr_t sp, size_t pad, uintptr_t hi, uintptr_t at);
/* Give the walk the stack that its frame is on: g's (may be NULL), the
 * thread's, and the signal stack.  Any thread. */
void mwi_unwind_allow_current(struct mwi_unwind *u);

#endif
