/* SPDX-License-Identifier: MIT */
/*
 * sched/scratch.c -- where variables of signal handlers live that would move to the heap
 *
 * Job      A handler may interrupt the allocator, or hold nothing that a collection
 *          could find; but a function that it calls may have a variable that escapes. Such a
 *          variable lives in memory of the handler's thread, and goes when the
 *          handler ends, as in plain C at the latest.
 * Promise  [HV1] What a handler is given here is its own until it returns or is left by a jump,
 *          whatever handlers interrupt it or are called by it.
 *          [HV2] To the collector it is part of the handler's frames: every word of it is scanned
 *          in the stop that begins marking.  What comes into it later is marked as what comes
 *          into a frame behind the scan is ([G2] of gc/barrier.c).
 *          [HV3] Nothing is locked, and no state is torn by a handler that comes in
 *          the middle or leaves by a jump.
 * How      Each thread has `scratch`, behind its signal stack.  One instruction takes a
 *          piece, so handlers that nest find it whole; each level remembers where it
 *          began and goes back to there.  When it is full, the level gets mappings of its own.
 *          Stores into it have barriers like any store to a variable that moved, which are not
 *          needed there.
 * Limits   Only variables: mw_new and its kin promise an object that lives as long as it is
 *          referred to, which only the heap can keep; they stay fatal in handlers.
 *          What outlives its handler here is gone, as C's variables are; outside of handlers
 *          it would live on.  clobberfree=1 overwrites it.  A loop in a handler keeps
 *          each turn's variable until the end.
 * Callers  compiled code in handlers, by mwi_rt_new_var and _raw (gc/alloc.c); signal.c.
 * Threads  the owner, and handlers on it.  The collector reads while the thread is stopped.
 */
#include "heap/sweep.h"

#include "gc/gc.h"
#include "gc/jumps.h"
#include "os/os.h"
#include "sched/proc.h"

/* A mapping of a level's own; newest first, so all of the innermost level's come first. */
struct mwi_scratch {
  struct mwi_scratch *up;
  const struct mwi_handler *level;
  size_t bytes, used; /* with this header */
};
#define HEADER mwi_align_up(sizeof(struct mwi_scratch), 16)
#define LEAST_BYTES (256 * MWI_KB) /* of a mapping: most handlers need none, some a few */

MWI_INLINE size_t add(size_t *to, size_t n) {
  size_t was = n;
  __asm__ volatile("xaddq %0, %1" : "+r"(was), "+m"(*to) : : "memory", "cc");
  return was;
}

static size_t used(const struct mwi_m *m) {
  return m->scratch_used < MWI_SCRATCH_BYTES ? m->scratch_used : MWI_SCRATCH_BYTES;
}

/* Around this a jump of another handler's is put off, and no stop is made, in libc's text either.
 */
static struct mwi_g *begin(void) {
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_rt_enter();
  return g;
}
static void end(struct mwi_g *g) {
  mwi_rt_leave();
  mwi_jumps_go(g);
}

MWI_COLD static void *from_mapping(struct mwi_m *m, size_t bytes) {
  const struct mwi_handler *level = m->tcb.handlers;
  struct mwi_scratch *s = m->scratches;
  if (!s || s->level != level || s->bytes - s->used < bytes) {
    size_t all = mwi_align_up(HEADER + bytes, MWI_PAGE_BYTES);
    if (all < LEAST_BYTES) all = LEAST_BYTES;
    s = mwi_os.map(all);
    if (!s) mwi_fatal("out of memory: a signal handler's variable of %zu bytes", bytes);
    *s = (struct mwi_scratch){m->scratches, level, all, HEADER};
    atomic_signal_fence(memory_order_release); /* a nested handler finds it as it was, or whole */
    m->scratches = s;
  }
  void *p = (char *)s + s->used;
  s->used += bytes;
  return p;
}

void *mwi_scratch_new(size_t bytes, bool zero) {
  struct mwi_tcb *t = mwi_tcb();
  struct mwi_m *m = t->m;
  mwi_assert(t->attached && t->sig && t->handlers);
  if (bytes > (size_t)1 << 47) mwi_fatal("a signal handler's variable of %zu bytes", bytes);
  bytes = mwi_align_up(bytes, 16);
  struct mwi_g *g = begin();
  /* not even tried when it is full: what is taken must not overflow */
  size_t at = m->scratch_used < MWI_SCRATCH_BYTES ? add(&m->scratch_used, bytes) : SIZE_MAX / 2;
  void *p = m->scratch + at;
  if (MWI_UNLIKELY(at + bytes > MWI_SCRATCH_BYTES))
    p = from_mapping(m, bytes); /* zero from the kernel; used once */
  else if (zero)
    memset(p, 0, bytes);
  end(g);
  return p;
}

/* Once more, when another handler's jump leaves both: what is done already is not there. */
void mwi_scratch_leave(struct mwi_m *m, const struct mwi_handler *h) {
  if (MWI_UNLIKELY(m->scratches != NULL)) {
    struct mwi_g *g = begin();
    while (m->scratches && m->scratches->level == h) {
      struct mwi_scratch *s = m->scratches;
      m->scratches = s->up;
      atomic_signal_fence(memory_order_release);
      mwi_os.unreserve(s, s->bytes);
    }
    end(g);
  }
  size_t hi = used(m);
  if (MWI_UNLIKELY(mwi_knobs.clobberfree) && hi > h->scratch_from)
    mwi_clobber((uintptr_t)m->scratch + h->scratch_from, hi - h->scratch_from);
  m->scratch_used = h->scratch_from;
}

/* The record's next thread begins without; its last may have ended within a handler. */
void mwi_scratch_reset(struct mwi_m *m) {
  for (struct mwi_scratch *s = m->scratches, *up; s; s = up) {
    up = s->up;
    mwi_os.unreserve(s, s->bytes);
  }
  m->scratches = NULL;
  m->scratch_used = 0;
}

void mwi_scratch_each(const struct mwi_m *m,
                      void (*fn)(struct mwi_gcp *, uintptr_t lo, uintptr_t hi), struct mwi_gcp *w) {
  if (MWI_LIKELY(!m->tcb.handlers)) return;
  uintptr_t lo = (uintptr_t)m->scratch;
  if (used(m)) fn(w, lo, lo + used(m));
  for (const struct mwi_scratch *s = m->scratches; s; s = s->up)
    fn(w, (uintptr_t)s + HEADER, (uintptr_t)s + s->used);
}
