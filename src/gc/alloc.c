/* SPDX-License-Identifier: MIT */
/*
 * gc/alloc.c -- mw_new and its kin
 *
 * Job      Join the heap's caches with what an allocation owes the collector:
 *          charge the pacer, start a cycle at the trigger, assist while
 *          marking, and collect before giving up for lack of memory.
 * How      The fast path is a bump in the cursor of the layout's span class
 *          (compiled code has it inline, base/abi.h; quick below, for sizes that only
 *          the program knows).  Everything else happens
 *          when a cursor runs dry, for a whole run of slots at once.  A handler's jump out of
 *          that is made at its end (gc/jumps.h), with the new object forgotten.
 * Callers  goroutine context; the new object is on the caller's stack or in a
 *          register, and allocated black while marking, so it survives the
 *          stops that this file may make before it returns.
 */
#include "gc/alloc.h"

#include <stdarg.h>
#include <stdio.h>

#include <mallow.h>

#include "base/knobs.h"
#include "gc/barrier.h"
#include "gc/gc.h"
#include "gc/jumps.h"
#include "gc/pacer.h"
#include "gc/roots.h"
#include "heap/sizeclass.h"

const struct mwi_layout mwi_layout_noscan = {.size = 1, .align = 1};

char mwi_zero_size[16] MWI_ALIGNED(16);

MWI_COLD static _Noreturn void out_of_memory(size_t bytes) {
  mwi_fatal("out of memory: cannot allocate %zu bytes (%zu in use by the heap, %zu reserved, "
            "limit: the address space or the memory the kernel grants)",
            bytes, (size_t)mwi_load_relaxed(&mwi_heap.inuse_pages) << MWI_PAGE_SHIFT,
            mwi_heap.reserved);
}

size_t mwi_gc_fit(size_t bytes, size_t align) {
  if (align > MWI_PAGE_BYTES)
    mwi_fatal("an object of %zu bytes wants an alignment of %zu, the heap has %zu", bytes, align,
              MWI_PAGE_BYTES);
  bytes = mwi_align_up(bytes, align);
  while (bytes <= MWI_MAX_SMALL && mwi_slot_bytes(bytes) % align)
    bytes = mwi_align_up(mwi_slot_bytes(bytes), align);
  return bytes;
}

MWI_INLINE size_t fit(size_t bytes, size_t align) {
  return align <= 8 || !bytes ? bytes : mwi_gc_fit(bytes, align);
}

/* After handing out `charged` bytes.  Outside mwi_rt_enter. */
MWI_INLINE void settle(size_t charged) {
  if (charged) mwi_pacer_charge(charged);
}

static void stress_alloc(void) {
  struct mwi_gcp *w = mwi_tcb()->gcp;
  if (!w || ++w->stress < (uint32_t)mwi_knobs.gcstress) return;
  w->stress = 0;
  mwi_gc_start(MWI_GC_FORCED);
}

/* The memory limit and one allocation.  unasked: take memory in any case; refused: why there was
 * none, the bytes of the span that the limit did not allow; early: a large object's charge, made at
 * the first attempt.
 * Set up before mwi_gc_attach: code that is not optimised has libc's memset do that, and a thread
 * may lose its P in external code. */
struct limit {
  bool unasked, foreseen;
  size_t refused;
  struct mwi_foreseen early;
};

/* Inside mwi_rt_enter, before and after what may take a span. */
MWI_INLINE void limit_before(struct mwi_mcache *mc, const struct limit *m) {
  if (MWI_UNLIKELY(m->unasked)) mc->unasked = true;
}
MWI_COLD static void limit_after(struct mwi_mcache *mc, struct limit *m) {
  m->refused = mc->refused;
  mc->refused = 0;
  mc->unasked = false;
}

static void *large(size_t bytes, const struct mwi_layout *l, struct limit *m) {
  bytes = mwi_align_up(bytes, 8);
  if (!m->foreseen && bytes <= mwi_heap.reserved) { /* else there is no use */
    m->foreseen = true;
    mwi_pacer_foresee(mwi_large_pages(bytes), &m->early);
    mwi_gc_attach();
  }
  bool needzero;
  mwi_rt_enter();
  struct mwi_mcache *mc = mwi_tcb()->mcache;
  limit_before(mc, m);
  struct mwi_span *s = mwi_large_alloc(mc, bytes, l, &needzero);
  if (MWI_UNLIKELY(!s || m->unasked)) limit_after(mc, m);
  mwi_rt_leave();
  if (!s) return NULL;
  if (needzero) {
    /* Nobody else can see it: in pieces, with a safepoint between them. */
    for (size_t at = 0; at < bytes; at += 256 * MWI_KB) {
      size_t n = bytes - at > 256 * MWI_KB ? 256 * MWI_KB : bytes - at;
      mwi_rt_enter();
      memset((char *)s->base + at, 0, n);
      bool yield = mwi_gc_hooks.worker_poll();
      mwi_rt_leave();
      if (yield) mwi_gc_hooks.poll_here();
    }
    mwi_gc_attach(); /* a cycle that began meanwhile may have cost us the P [E2] */
  }
  void *p = (void *)s->base;
  mwi_rt_enter();
  mwi_large_publish(s);
  bool sampled = mwi_mcache_sample(mwi_tcb()->mcache, s->slot);
  mwi_rt_leave();
  if (MWI_UNLIKELY(sampled)) mwi_sampled_alloc(p, s->slot);
  mwi_pacer_charge_foreseen(s->npages, &m->early);
  return p;
}

void (*mwi_sampled_alloc)(void *p, size_t slot);

/* Was the slot just taken a sample?  Inside mwi_rt_enter. */
MWI_INLINE bool take_sampled(struct mwi_mcache *mc) {
  bool sampled = mc->sampled;
  if (MWI_UNLIKELY(sampled)) mc->sampled = false;
  return sampled;
}

static void *small_slow(mwi_spanclass c, struct limit *m) {
  size_t charged, slot = mwi_classes[c].slot;
  mwi_rt_enter();
  struct mwi_mcache *mc = mwi_tcb()->mcache;
  limit_before(mc, m);
  void *p = mwi_mcache_alloc_slow(mc, c, &charged);
  if (MWI_UNLIKELY(!p || m->unasked)) limit_after(mc, m);
  bool sampled = take_sampled(mc);
  mwi_rt_leave();
  if (p) settle(charged);
  if (MWI_UNLIKELY(sampled)) mwi_sampled_alloc(p, slot);
  return p;
}

/* As compiled code does it: nothing stops this thread between the loads and the store. */
MWI_INLINE void *small(mwi_spanclass c, struct limit *m) {
  struct mwi_cursor *cur = &mwi_tcb()->mcache->of[c].cursor;
  uintptr_t p = cur->next, n = p + mwi_classes[c].slot;
  if (MWI_LIKELY(n <= cur->limit)) { /* an empty one's limit is 0 */
    cur->next = n;
    return (void *)p;
  }
  return small_slow(c, m);
}

static void *tiny(size_t bytes, struct limit *m) {
  size_t charged = 0;
  mwi_rt_enter();
  struct mwi_mcache *mc = mwi_tcb()->mcache;
  limit_before(mc, m);
  void *p = mwi_mcache_alloc_tiny(mc, bytes, &charged);
  if (MWI_UNLIKELY(!p || m->unasked)) limit_after(mc, m);
  bool sampled = take_sampled(mc);
  mwi_rt_leave();
  if (p) settle(charged);
  if (MWI_UNLIKELY(sampled)) mwi_sampled_alloc(p, MWI_TINY_BYTES);
  return p;
}

/* The span class of an object; NONE: it is large, or one of the tiny. */
static mwi_spanclass class_of(size_t bytes, const struct mwi_layout *l, bool raw) {
  bool noscan = l && !l->period;
  if (bytes > MWI_MAX_SMALL || (noscan && bytes < MWI_TINY_BYTES)) return MWI_CLASS_NONE;
  if (raw) return mwi_class_raw(bytes, noscan);
  return l && l->period ? mwi_class_for(bytes, l) : mwi_class_untyped(bytes, noscan);
}

static void *attempt(size_t bytes, const struct mwi_layout *l, mwi_spanclass c, struct limit *m) {
  if (c != MWI_CLASS_NONE) return small(c, m);
  return bytes > MWI_MAX_SMALL ? large(bytes, l, m) : tiny(bytes, m);
}

/* At the memory limit: wait until there is room, or until waiting is no use [ML2]. */
MWI_COLD static void *attempt_at_limit(size_t bytes, const struct mwi_layout *l, mwi_spanclass c,
                                       struct limit *m) {
  struct mwi_room_wait w = {0};
  void *p = NULL;
  while (!p && m->refused) {
    m->unasked = !mwi_memlimit_wait(m->refused, &w);
    m->refused = 0;
    mwi_gc_attach();
    p = attempt(bytes, l, c, m);
  }
  return p;
}

/* There is no memory, as it seems. */
MWI_COLD static void *attempt_again(size_t bytes, const struct mwi_layout *l, mwi_spanclass c,
                                    struct limit *m) {
  void *p;
  if (m->refused && (p = attempt_at_limit(bytes, l, c, m)) != NULL) return p;
  mwi_gc_full();
  mwi_gc_attach();
  m->unasked = true;
  return attempt(bytes, l, c, m);
}

static void *alloc_or_null(size_t bytes, const struct mwi_layout *l, bool raw) {
  if (MWI_UNLIKELY(bytes == 0)) return mwi_zero_size;
  if (MWI_UNLIKELY(mwi_tcb()->sig)) /* its cursors may be in use where it came in */
    mwi_fatal("a signal handler allocates %zu bytes (variables are allowed there, objects are not: "
              "see mw_signal_notify)",
              bytes);
  struct limit m = {0};
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_gc_attach();
  if (MWI_UNLIKELY(mwi_knobs.gcstress)) {
    stress_alloc();
    mwi_gc_attach(); /* the collection may have cost us the P */
  }
  mwi_spanclass c = class_of(bytes, l, raw);
  void *p = attempt(bytes, l, c, &m);
  if (MWI_UNLIKELY(!p)) p = attempt_again(bytes, l, c, &m);
  mwi_jumps_go(g);
  return p;
}

void *mwi_gc_alloc_or_null(size_t bytes, const struct mwi_layout *l) {
  return alloc_or_null(bytes, l, false);
}

void *mwi_gc_alloc_freed(size_t bytes, bool noscan) {
  if (MWI_UNLIKELY(mwi_tcb()->sig) || bytes > MWI_MAX_SMALL) return NULL;
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  if (MWI_UNLIKELY(mwi_knobs.gcstress)) stress_alloc();
  mwi_gc_attach();
  mwi_rt_enter();
  void *p = mwi_mcache_reuse(mwi_tcb()->mcache, mwi_class_untyped(bytes, noscan));
  mwi_rt_leave();
  mwi_jumps_go(g);
  return p;
}

void mwi_gc_free(void *p) {
  /* a handler's thread may be in the middle of the lists */
  if (MWI_UNLIKELY(!mwi_tcb()->attached || mwi_tcb()->sig)) return;
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_rt_enter();
  mwi_mcache_free(mwi_tcb()->mcache, (uintptr_t)p);
  mwi_rt_leave();
  mwi_jumps_go(g);
}

/*
 * Its cursor is empty, and no handler is below: the next run of the rest.  In a heap whose free
 * slots lie between live ones that is every second allocation's way.  NULL: there is none, or
 * something is unusual.
 */
static MWI_NOINLINE void *from_rest(mwi_spanclass c) {
  struct mwi_tcb *t = mwi_tcb();
  if (MWI_UNLIKELY(mwi_knobs.gcstress)) return NULL;
  struct mwi_g *g = t->g;
  mwi_jumps_wait(g);
  mwi_rt_enter();
  void *p = mwi_mcache_alloc_rest(t->mcache, c);
  mwi_rt_leave();
  mwi_jumps_go(g);
  return p;
}

/*
 * An untyped object whose size is known only now: what compiled code does for one of known size,
 * a bump in the cursor, in a call; or one in the block of the tiny.  NULL: not small, no room, or
 * something is unusual.
 */
MWI_INLINE void *quick(size_t bytes, bool noscan) {
  if (MWI_UNLIKELY(bytes - 1 > MWI_MAX_SMALL - 1 || mwi_knobs.gcstress)) return NULL;
  struct mwi_tcb *t = mwi_tcb();
  if (noscan && bytes < MWI_TINY_BYTES)
    return MWI_UNLIKELY(t->sig) ? NULL : mwi_mcache_tiny_bump(t->mcache, bytes);
  mwi_spanclass c = MWI_CLASS_FIRST + 2 * mwi_sizeclass_of(bytes) + !noscan;
  struct mwi_supply *u = &t->mcache->of[c];
  uintptr_t p = u->cursor.next, n = p + u->slot;
  if (MWI_UNLIKELY(!p || t->sig)) return NULL; /* p: there is no heap yet */
  if (n > u->cursor.limit) return u->rest ? from_rest(c) : NULL;
  u->cursor.next = n;
  return (void *)p;
}

/* quick found no room, perhaps: the next run, unless something is unusual. */
static MWI_NOINLINE void *quick_refill(size_t bytes, bool noscan) {
  if (bytes - 1 > MWI_MAX_SMALL - 1 || mwi_knobs.gcstress || mwi_tcb()->sig) return NULL;
  struct limit m = {0};
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_gc_attach();
  void *p = noscan && bytes < MWI_TINY_BYTES ? tiny(bytes, &m)
                                             : small_slow(mwi_class_untyped(bytes, noscan), &m);
  mwi_jumps_go(g);
  return p;
}

/* Is every word of l's objects alike: none a pointer (*noscan), or each perhaps? */
MWI_INLINE bool uniform(const struct mwi_layout *l, bool *noscan) {
  *noscan = l && (!l->period || !(l->mask[0] & 1));
  return !l || l->period <= 1;
}

static MWI_NOINLINE void *alloc_or_die(size_t bytes, const struct mwi_layout *l) {
  bool noscan;
  void *p = uniform(l, &noscan) ? quick_refill(bytes, noscan) : NULL;
  if (!p) p = alloc_or_null(bytes, l, false);
  if (MWI_UNLIKELY(!p)) out_of_memory(bytes);
  return p;
}

void *mwi_gc_alloc(size_t bytes, const struct mwi_layout *l) {
  bool noscan;
  void *p = uniform(l, &noscan) ? quick(bytes, noscan) : NULL;
  return MWI_LIKELY(p != NULL) ? p : alloc_or_die(bytes, l);
}

/* `to` is fresh: black or unreachable, and nothing in it is overwritten, but
 * what is copied into it may be reachable from `from` alone. */
void mwi_gc_copy(void *to, const void *from, size_t bytes) {
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_rt_enter();
  for (size_t at = 0; at < bytes; at += 64 * MWI_KB) {
    size_t part = bytes - at > 64 * MWI_KB ? 64 * MWI_KB : bytes - at;
    mwi_shade_range((const char *)from + at, part);
    memcpy((char *)to + at, (const char *)from + at, part);
    if (part == 64 * MWI_KB && mwi_gc_hooks.worker_poll()) {
      mwi_rt_leave();
      mwi_gc_hooks.poll_here();
      mwi_rt_enter();
    }
  }
  mwi_rt_leave();
  mwi_jumps_go(g);
}

/* ---- Compiled code's entry points -------------------------------------- */

/* The class of a layout's cursor. */
MWI_INLINE mwi_spanclass cursor_class(const struct mwi_layout *l) {
  return mwi_cursor_class(l->cursor);
}

/*
 * Its cursor has run dry.  In a heap whose free slots lie between live ones that
 * is every allocation's way, so a layout whose class is known takes it without
 * looking at anything else.  Whatever is unusual is left to the general path.
 */
MWI_INLINE void *refill(const struct mwi_layout *l) {
  if (MWI_UNLIKELY(!l->cursor || mwi_knobs.gcstress || mwi_tcb()->sig)) return NULL;
  void *o = mwi_tcb()->mcache->of[cursor_class(l)].rest ? from_rest(cursor_class(l)) : NULL;
  if (o) return o;
  struct limit m = {0};
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_gc_attach();
  void *p = small_slow(cursor_class(l), &m);
  mwi_jumps_go(g);
  return p;
}

MWI_COLD static void *new_slow(struct mwi_layout *l) {
  size_t bytes = fit(l->size, l->align);
  if (bytes > MWI_MAX_SMALL || bytes == 0 || (!l->period && bytes < MWI_TINY_BYTES) ||
      mwi_knobs.gcstress)
    return mwi_gc_alloc(bytes, l);
  if (!l->cursor) {
    struct mwi_g *g = mwi_tcb()->g;
    mwi_jumps_wait(g);
    mwi_gc_attach(); /* the heap exists from here on */
    mwi_spanclass c = l->period ? mwi_class_for(bytes, l) : mwi_class_untyped(bytes, true);
    /* Compiled code adds the size that it knows: slot first.  Both stores are
     * idempotent, and on x86 in order; a reader that sees cursor sees slot. */
    l->slot = mwi_classes[c].slot;
    atomic_signal_fence(memory_order_release);
    l->cursor = mwi_cursor_offset(c);
    mwi_jumps_go(g);
  }
  return mwi_gc_alloc(bytes, l);
}

/* The next slot of the layout's cursor, or NULL. */
MWI_INLINE void *bump(const struct mwi_layout *l) {
  struct mwi_cursor *c = (struct mwi_cursor *)((char *)mwi_tcb()->mcache + l->cursor);
  uintptr_t p = c->next, n = p + l->slot;
  if (MWI_UNLIKELY(n > c->limit || !p)) return NULL; /* p: an unresolved layout has slot 0 */
  c->next = n;
  return (void *)p;
}

MWI_EXPORT void *mwi_rt_new(struct mwi_layout *l) {
  void *o = bump(l);
  if (MWI_LIKELY(o != NULL)) return o;
  o = refill(l);
  return MWI_LIKELY(o != NULL) ? o : new_slow(l);
}

/* A variable of the program's that lives on the heap; in a signal handler, which may have come in
 * the middle of this, with the handler (sched/scratch.c). */
MWI_COLD static void *handler_variable(const struct mwi_layout *l, bool zero) {
  return l->size ? mwi_gc_hooks.handler_variable(l->size, zero) : mwi_zero_size;
}

MWI_EXPORT void *mwi_rt_new_var(struct mwi_layout *l) {
  void *o = bump(l);
  if (MWI_LIKELY(o != NULL)) return o;
  if (MWI_UNLIKELY(mwi_tcb()->sig)) return handler_variable(l, true);
  o = refill(l);
  return MWI_LIKELY(o != NULL) ? o : new_slow(l);
}

/*
 * Another such variable: what is in it before it
 * is written is as undefined as it was on the stack.  Of its layout only counts
 * whether there are pointers: then every word is scanned.
 */
MWI_COLD static void *raw_slow(struct mwi_layout *l) {
  bool small = l->size <= MWI_MAX_SMALL && l->size >= MWI_RAW_MIN;
  if (small && !l->cursor && !mwi_knobs.gcstress) {
    struct mwi_g *g = mwi_tcb()->g;
    mwi_jumps_wait(g);
    mwi_gc_attach();
    mwi_spanclass c = mwi_class_raw(l->size, !l->period);
    l->slot = mwi_classes[c].slot;
    atomic_signal_fence(memory_order_release); /* as in new_slow */
    l->cursor = mwi_cursor_offset(c);
    mwi_jumps_go(g);
  }
  void *p = alloc_or_null(l->size, l, small);
  if (MWI_UNLIKELY(!p)) out_of_memory(l->size);
  return p;
}

MWI_EXPORT void *mwi_rt_new_raw(struct mwi_layout *l) {
  void *o = bump(l);
  if (MWI_LIKELY(o != NULL)) return o;
  if (MWI_UNLIKELY(mwi_tcb()->sig)) return handler_variable(l, false);
  o = refill(l);
  return MWI_LIKELY(o != NULL) ? o : raw_slow(l);
}

MWI_EXPORT void *mwi_rt_make(struct mwi_layout *l, uint64_t n) {
  size_t bytes;
  if (__builtin_mul_overflow(l->size, n, &bytes) || bytes > (size_t)1 << 47)
    mwi_fatal("mw_make(%s, %lu): size out of range", l->name ? l->name : "?", (unsigned long)n);
  return mwi_gc_alloc(fit(bytes, l->align), l);
}

/*
 * A struct with a flexible array.  The object's mask must repeat: when header
 * and elements agree word for word the element's mask serves (all pointers, or
 * none); otherwise every word is scanned.
 */
MWI_EXPORT void *mwi_rt_new_flex(struct mwi_layout *head, struct mwi_layout *elem, uint64_t offset,
                                 uint64_t n) {
  size_t bytes;
  if (__builtin_mul_overflow(elem->size, n, &bytes) ||
      __builtin_add_overflow(bytes, offset, &bytes) || bytes > (size_t)1 << 47)
    mwi_fatal("mw_new_flex(%s, %lu): size out of range", head->name ? head->name : "?",
              (unsigned long)n);
  if (bytes < head->size) bytes = head->size;
  bytes = fit(bytes, head->align); /* at least what its elements ask for */
  bool noscan = !head->period && !elem->period;
  return mwi_gc_alloc(bytes, noscan ? &mwi_layout_noscan : NULL);
}

/* ---- Without the plugin ------------------------------------------------ */

/* Compiled code calls the entry points above.  Who gets here has no barriers: GNU ld says so. */
#define WITHOUT_BARRIERS(entry, call)                                                              \
  __asm__(".pushsection .gnu.warning." entry ",\"\",@progbits\n\t.ascii \"" call                   \
          " in code that was not compiled with mallow cc: its stores have no write barriers, "     \
          "and objects may be freed while they are in use\"\n\t.popsection")
WITHOUT_BARRIERS("mwi_new_typed", "mw_new");
WITHOUT_BARRIERS("mwi_make_typed", "mw_make");
WITHOUT_BARRIERS("mwi_flex_typed", "mw_new_flex");

MWI_EXPORT void *mwi_new_typed(size_t size, size_t align, const void *witness) {
  (void)witness;
  return mwi_gc_alloc(fit(size, align), NULL);
}

MWI_EXPORT void *mwi_make_typed(size_t size, size_t align, size_t n, const void *witness) {
  (void)witness;
  size_t bytes;
  if (__builtin_mul_overflow(size, n, &bytes) || bytes > (size_t)1 << 47)
    mwi_fatal("mw_make: %zu elements of %zu bytes: size out of range", n, size);
  return mwi_gc_alloc(fit(bytes, align), NULL);
}

MWI_EXPORT void *mwi_flex_typed(size_t size, size_t align, size_t offset, size_t elem_size,
                                size_t n, const void *witness, const void *elem_witness) {
  (void)witness, (void)elem_witness;
  size_t bytes;
  if (__builtin_mul_overflow(elem_size, n, &bytes) ||
      __builtin_add_overflow(bytes, offset, &bytes) || bytes > (size_t)1 << 47)
    mwi_fatal("mw_new_flex: %zu elements of %zu bytes: size out of range", n, elem_size);
  return mwi_gc_alloc(fit(bytes < size ? size : bytes, align), NULL);
}

/* ---- Untyped ----------------------------------------------------------- */

MWI_EXPORT void *mw_alloc(size_t n) {
  if (n > (size_t)1 << 47) mwi_fatal("mw_alloc(%zu): size out of range", n);
  return mwi_gc_alloc(fit(n, 16), NULL);
}

MWI_EXPORT void *mw_alloc_noscan(size_t n) {
  void *p = quick(n, true);
  if (MWI_LIKELY(p != NULL)) return p;
  if (n > (size_t)1 << 47) mwi_fatal("mw_alloc_noscan(%zu): size out of range", n);
  return alloc_or_die(n, &mwi_layout_noscan);
}

/* A long string must not delay a stop: libc's functions run as external code. */
MWI_EXPORT char *mw_strdup(const char *s) {
  const char *volatile given = s; /* the declaration promises that it is not NULL */
  if (!given) mwi_fatal("mw_strdup(NULL)");
  size_t n = strlen(s) + 1;
  char *p = mwi_gc_alloc(n, &mwi_layout_noscan);
  return memcpy(p, s, n);
}

MWI_EXPORT char *mw_sprintf(const char *format, ...) {
  const char *volatile given = format;
  if (!given) mwi_fatal("mw_sprintf: the format is NULL");
  va_list ap, again;
  va_start(ap, format);
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, format, ap);
  va_end(ap);
  if (n < 0) mwi_fatal("mw_sprintf: encoding error in \"%s\"", format);
  char *p = mwi_gc_alloc((size_t)n + 1, &mwi_layout_noscan);
  vsnprintf(p, (size_t)n + 1, format, again);
  va_end(again);
  return p;
}

/* What is known of the layout of an object of s: every word, none, or a mask. */
static struct mwi_layout layout_of(const struct mwi_span *s) {
  struct mwi_layout l = {.size = 8, .align = 8};
  if (s->cls == MWI_CLASS_LARGE) {
    l.period = s->noscan ? 0 : s->large_mask ? s->large_period : 1;
    l.mask = s->large_mask;
  } else {
    const struct mwi_class *k = s->info;
    l.period = k->noscan ? 0 : k->period ? k->period : 1;
    l.mask = !k->period ? NULL : k->period > 64 ? k->longmask : &k->mask;
  }
  return l;
}

MWI_EXPORT void *mw_realloc(void *p, size_t n) {
  if (!p || p == mwi_zero_size) return mw_alloc(n); /* no bytes: no layout is known */
  if (n > (size_t)1 << 47) mwi_fatal("mw_realloc(%p, %zu): size out of range", p, n);
  size_t size;
  struct mwi_span *s;
  uintptr_t start = mwi_object_of((uintptr_t)p, &size, &s);
  if (!start || (start != (uintptr_t)p && s->cls != MWI_CLASS_TINY))
    mwi_fatal("mw_realloc(%p): not the start of a collected object", p);
  struct mwi_layout l = layout_of(s);
  bool every = l.period && !l.mask;
  /* The type's alignment is not known, but divides the old object's size and the new one's. */
  size_t align = (size | n) & -(size | n);
  if (align > MWI_PAGE_BYTES) align = MWI_PAGE_BYTES;
  if (every && align < 16) align = 16; /* it may be mw_alloc's */
  char *q = mwi_gc_alloc(fit(n, align), every ? NULL : &l);
  size -= (uintptr_t)p - start; /* inside a block of the tiny allocator */
  size_t both = size < n ? size : n;
  if (l.period)
    mwi_gc_copy(q, p, both);
  else
    memcpy(q, p, both); /* of any length: libc's runs as external code */
  return q;
}

MWI_EXPORT void mw_keep_alive(const void *p) {
  __asm__ volatile("" : : "r"(p) : "memory");
}
