/* SPDX-License-Identifier: MIT */
/*
 * gc/checkmark.c -- GODEBUG=gccheckmark=1: was anything lost?
 *
 * Job      When marking has ended and the world is stopped, walk all that is
 *          marked, and roots outside stacks (globals, handles, thread-locals, what
 *          finalizers and cleanups need), and verify that no word of them that
 *          may be a pointer leads to an allocated object without a mark: the
 *          collector's invariant [C2], word by word.
 * How      Scanning runs once more with mwi_checking set: instead of making
 *          an object grey, mark_one fails when it is white.
 * Not done stacks: scanned conservatively, they may hold dead words that
 *          point to objects long unreachable, in frames that did not exist when
 *          the stack was scanned.  Objects that only a stack holds are the
 *          business of the random mutator with clobberfree=1
 *          (tests/stress/mutator.c).
 */
#include "gc/cycle.h"
#include "gc/mark.h"
#include "gc/roots.h"
#include "gc/special.h"

static void check_span(struct mwi_span *s, void *w) {
  if (s->noscan) return;
  for (uint32_t i = 0; i < s->nelems; i++) {
    if (!(mwi_load_relaxed(&s->mark[i >> 6]) >> (i & 63) & 1)) continue;
    mwi_checking = s->base + (uintptr_t)i * s->slot;
    mwi_scan_object(w, s, i);
  }
}

void mwi_checkmark_stw(void) {
  struct mwi_gcp *w = mwi_tcb()->gcp;
  mwi_heap_each_span(check_span, w);
  mwi_checking = 1; /* roots */
  mwi_roots_scan_stw(w);
  mwi_handles_scan(w);
  mwi_gc_hooks.scan_thread_roots_stw(w);
  mwi_specials_scan(w);
  mwi_checking = 0;
}
