/* SPDX-License-Identifier: MIT */
/*
 * gc/special.c -- finalizers, cleanups and weak pointers
 *
 * Job      Remember what was asked for an object, notice in the sweep that the
 *          object is dead, and queue the calls that are due.
 * Semantics (Go's)
 *          finalizer  one per object.  The object and all it reaches survive
 *                     the cycle that found it dead; the call gets the object,
 *                     which may become reachable again.
 *          cleanup    any number; the object is freed at once, the call gets
 *                     an argument that must not lead to it.
 *          weak       a handle whose word is cleared when the object is found
 *                     dead, before a finalizer can bring it back.
 * Promise  [SP1] While an object has a finalizer, everything that it reaches,
 *          itself left out, is a root; so what the finalizer sees is intact.
 *          [SP2] Arguments of finalizers and cleanups, pending and due, are
 *          roots; so are weak handles of live objects, so that equal objects
 *          have equal handles.
 *          [SP3] mw_weak_get never returns an object that a sweep has freed or
 *          will free: while marking it shades; while the span waits for its
 *          sweep the mark bit decides.
 * Threads  special_lock guards lists and queues.  The sweep hook runs inside a
 *          sweep, with the span in the sweeper's hand.
 */
#include "gc/special.h"

#include <mallow.h>

#include "gc/alloc.h"
#include "gc/barrier.h"
#include "gc/cycle.h"
#include "gc/mark.h"
#include "gc/roots.h"

enum kind { FINALIZER, CLEANUP, WEAK, SAMPLE, FINALIZED /* in sweep_span only */ };

struct special {
  struct special *next;          /* of the same span */
  struct special *newer, *older; /* all of them, but SAMPLE, which holds no root */
  uintptr_t ptr;                 /* as given: an object's start, for WEAK any address in it */
  uint32_t idx;                  /* slot in the span */
  enum kind kind;
  uint64_t id; /* CLEANUP */
  void (*finalizer)(void *, void *);
  void (*cleanup)(void *);
  void *arg; /* WEAK: the handle; SAMPLE: the bucket */
};

/* The collected, pointer-free word behind a mw_weak. */
struct mwi_weak_handle {
  _Atomic uintptr_t ptr; /* 0 once the object is dead; written in the sweep */
};

static struct mwi_weak_handle zero_size_handle = {(uintptr_t)mwi_zero_size};

struct queue {
  struct mwi_due *head, *tail;
  struct mwi_due *scan_at; /* as scan_at below */
};

static struct mwi_lock special_lock = MWI_LOCK_INIT(MWI_RANK_ROOTS);
/* under special_lock */
static struct special *newest, *free_specials;
static struct mwi_due *free_dues;
static struct queue queues[2]; /* cleanups, finalizers */
static uint64_t next_id;
/* The root job lets go of the lock between batches: the next to be scanned; who takes it off its
 * list moves this on. */
static struct special *scan_at;

void (*mwi_due_notify)(bool);
void (*mwi_due_start)(void);
void (*mwi_sampled_freed)(void *bucket);

/* ---- Lists ------------------------------------------------------------- */

static struct special *special_new_locked(struct mwi_span *s, uintptr_t ptr, uint32_t idx,
                                          enum kind kind) {
  struct special *x = free_specials;
  if (x)
    free_specials = x->next;
  else
    x = mwi_meta_alloc(sizeof *x, 16);
  *x = (struct special){.next = s->specials, .ptr = ptr, .idx = idx, .kind = kind};
  s->specials = x;
  if (kind == SAMPLE) return x;
  x->older = newest;
  if (newest) newest->newer = x;
  newest = x;
  return x;
}

/* Unlink *at from its span's list and the list of all.  The argument need not be shaded: nobody
 * can have read it here. */
static void special_drop_locked(struct special **at) {
  struct special *x = *at;
  *at = x->next;
  if (x->newer)
    x->newer->older = x->older;
  else if (x->kind != SAMPLE)
    newest = x->older;
  if (x->older) x->older->newer = x->newer;
  if (x == scan_at) scan_at = x->older;
  x->next = free_specials;
  free_specials = x;
}

static struct special **find_locked(struct mwi_span *s, uintptr_t ptr, enum kind kind) {
  struct special **at = (struct special **)&s->specials;
  while (*at && !((*at)->ptr == ptr && (*at)->kind == kind)) at = &(*at)->next;
  return at;
}

/* ---- Due calls --------------------------------------------------------- */

static void due_put_locked(const struct special *x) {
  struct mwi_due *d = free_dues;
  if (d)
    free_dues = d->next;
  else
    d = mwi_meta_alloc(sizeof *d, 16);
  *d = (struct mwi_due){.finalizer = x->finalizer,
                        .cleanup = x->cleanup,
                        .obj = x->kind == FINALIZER ? (void *)x->ptr : NULL,
                        .arg = x->arg};
  struct queue *q = &queues[x->kind == FINALIZER];
  if (q->tail)
    q->tail->next = d;
  else
    q->head = d;
  q->tail = d;
}

struct mwi_due *mwi_due_take(bool finalizer) {
  mwi_gc_attach(); /* the call before may have ended in libc: no lock without a P then [Z3] */
  mwi_lock(&special_lock);
  struct queue *q = &queues[finalizer];
  struct mwi_due *d = q->head;
  if (d) {
    q->head = d->next;
    if (!q->head) q->tail = NULL;
    if (d == q->scan_at) q->scan_at = d->next;
    mwi_shade(d->obj); /* from a root to a stack that may have been scanned */
    mwi_shade(d->arg);
  }
  mwi_unlock(&special_lock);
  return d;
}

void mwi_due_free(struct mwi_due *d) {
  mwi_lock(&special_lock);
  d->next = free_dues;
  free_dues = d;
  mwi_unlock(&special_lock);
}

/* ---- Sweep ------------------------------------------------------------- */

static bool marked(const struct mwi_span *s, uint32_t idx) {
  return mwi_load_relaxed(&s->mark[idx >> 6]) >> (idx & 63) & 1;
}

/* Before the marks of s become its allocations. */
static void sweep_span(struct mwi_span *s) {
  bool due[2] = {false, false};
  mwi_lock(&special_lock);
  /* Weak handles first, and of all dead objects: a finalizer brings its object
   * back, but not for those. */
  for (struct special **at = (struct special **)&s->specials; *at;) {
    struct special *x = *at;
    if (marked(s, x->idx) || x->kind != WEAK) {
      at = &x->next;
      continue;
    }
    mwi_store_release(&((struct mwi_weak_handle *)x->arg)->ptr, 0);
    special_drop_locked(at);
  }
  /* All finalizers of a dead block, which may have several (tiny objects), before its mark says
   * that it lives for one more cycle. */
  for (struct special *x = s->specials; x; x = x->next)
    if (!marked(s, x->idx) && x->kind == FINALIZER) {
      due_put_locked(x);
      due[1] = true;
      x->kind = FINALIZED;
    }
  for (struct special **at = (struct special **)&s->specials; due[1] && *at;) {
    struct special *x = *at;
    if (x->kind != FINALIZED) {
      at = &x->next;
      continue;
    }
    mwi_or_relaxed(&s->mark[x->idx >> 6], (uint64_t)1 << (x->idx & 63));
    special_drop_locked(at);
  }
  for (struct special **at = (struct special **)&s->specials; *at;) {
    struct special *x = *at;
    if (marked(s, x->idx)) {
      at = &x->next;
      continue;
    }
    if (x->kind == SAMPLE) {
      mwi_sampled_freed(x->arg);
    } else {
      due_put_locked(x);
      due[0] = true;
    }
    special_drop_locked(at);
  }
  mwi_unlock(&special_lock);
  for (int i = 0; i < 2; i++)
    if (due[i] && mwi_due_notify) mwi_due_notify(i);
}

/* ---- Roots ------------------------------------------------------------- */

static void scan_word(struct mwi_gcp *w, void **slot) {
  mwi_scan_conservative(w, (uintptr_t)slot, (uintptr_t)(slot + 1), false);
}

static void scan_contents(struct mwi_gcp *w, uintptr_t obj) {
  mwi_pagedesc d = mwi_heap_lookup(obj);
  mwi_scan_contents(w, mwi_desc_span(d), mwi_object_index(d, obj));
}

#define SCAN_BATCH 256 /* about 50 us, in which no stop is answered */

/* A root job, or with the world stopped.  Between batches others change the lists: what they add
 * they shade, and what they remove too. */
static void let_others_in(void) {
  mwi_unlock(&special_lock);
  mwi_gc_hooks.worker_poll();
  mwi_lock(&special_lock);
}

void mwi_specials_scan(struct mwi_gcp *w) {
  mwi_lock(&special_lock);
  uint32_t n = 0;
  for (scan_at = newest; scan_at;) {
    struct special *x = scan_at;
    scan_at = x->older;
    scan_word(w, &x->arg);                              /* [SP2] */
    if (x->kind == FINALIZER) scan_contents(w, x->ptr); /* [SP1] */
    if (++n % SCAN_BATCH == 0) let_others_in();
  }
  for (int i = 0; i < 2; i++) {
    struct queue *q = &queues[i];
    for (q->scan_at = q->head; q->scan_at;) {
      struct mwi_due *d = q->scan_at;
      q->scan_at = d->next;
      scan_word(w, &d->obj);
      scan_word(w, &d->arg);
      if (++n % SCAN_BATCH == 0) let_others_in();
    }
  }
  mwi_unlock(&special_lock);
}

struct visit {
  void (*fn)(void *arg, const struct mwi_special_facts *f);
  void *arg;
};

static void visit_samples(struct mwi_span *s, void *arg) {
  const struct visit *v = arg;
  for (struct special *x = s->specials; x; x = x->next)
    if (x->kind == SAMPLE)
      v->fn(v->arg, &(struct mwi_special_facts){.obj = s->base + (uintptr_t)x->idx * s->slot,
                                                .bucket = x->arg});
}

void mwi_specials_each_stw(void (*fn)(void *arg, const struct mwi_special_facts *f), void *arg) {
  for (struct special *x = newest; x; x = x->older)
    if (x->kind == FINALIZER)
      fn(arg,
         &(struct mwi_special_facts){.obj = x->ptr, .fn = (uintptr_t)x->finalizer, .arg = x->arg});
  for (struct mwi_due *d = queues[true].head; d; d = d->next)
    fn(arg,
       &(struct mwi_special_facts){
           .obj = (uintptr_t)d->obj, .fn = (uintptr_t)d->finalizer, .arg = d->arg, .due = true});
  struct visit v = {fn, arg};
  mwi_heap_each_span(visit_samples, &v);
}

void mwi_special_init(void) {
  mwi_heap_hooks.swept_object_free = sweep_span;
}

/* ---- The program's calls ----------------------------------------------- */

/* The object that p points to; fatal when there is none, or when p must be its
 * start and is not (inside a tiny block it may be anywhere). */
static struct mwi_span *object(void *p, bool start, uint32_t *idx, const char *who) {
  size_t size;
  struct mwi_span *s;
  uintptr_t base = mwi_object_of((uintptr_t)p, &size, &s);
  if (!base) mwi_fatal("%s: pointer %p is not to a collected object", who, p);
  if (start && base != (uintptr_t)p && !(s->noscan && size <= 16))
    mwi_fatal("%s: pointer %p is not at the beginning of its object (%p, %zu bytes)", who, p,
              (void *)base, size);
  *idx = s->cls == MWI_CLASS_LARGE ? 0 : (uint32_t)((base - s->base) / s->slot);
  return s;
}

MWI_EXPORT void mw_set_finalizer(void *p, void (*fn)(void *obj, void *arg), void *arg) {
  mwi_gc_attach();
  if (p == mwi_zero_size) return;
  if (fn && mwi_due_start) mwi_due_start();
  mwi_gc_attach(); /* that may have cost us the P */
  uint32_t idx;
  struct mwi_span *s = object(p, true, &idx, "mw_set_finalizer");
  mwi_lock(&special_lock);
  struct special **at = find_locked(s, (uintptr_t)p, FINALIZER);
  if (!fn) {
    if (*at) special_drop_locked(at);
  } else if (*at) {
    mwi_unlock(&special_lock);
    mwi_fatal("mw_set_finalizer: finalizer already set");
  } else {
    struct special *x = special_new_locked(s, (uintptr_t)p, idx, FINALIZER);
    x->finalizer = fn;
    x->arg = arg;
    if (mwi_wb_on()) { /* the root job may have passed */
      mwi_shade(arg);
      struct mwi_gcp *w = mwi_tcb()->gcp;
      mwi_scan_contents(w, s, idx);
      mwi_work_publish(w);
    }
  }
  mwi_unlock(&special_lock);
  mw_keep_alive(p);
}

void mwi_special_sampled(void *p, void *bucket) {
  uint32_t idx;
  struct mwi_span *s = object(p, false, &idx, "heap profile");
  mwi_lock(&special_lock);
  special_new_locked(s, (uintptr_t)p, idx, SAMPLE)->arg = bucket;
  mwi_unlock(&special_lock);
  mw_keep_alive(p);
}

MWI_EXPORT mw_cleanup mw_add_cleanup(void *p, void (*fn)(void *arg), void *arg) {
  mwi_gc_attach();
  if (!fn) mwi_fatal("mw_add_cleanup: no function");
  if (p == mwi_zero_size) return (mw_cleanup){0, 0};
  if (mwi_due_start) mwi_due_start();
  mwi_gc_attach(); /* that may have cost us the P */
  uint32_t idx;
  struct mwi_span *s = object(p, false, &idx, "mw_add_cleanup");
  if (arg == p) mwi_fatal("mw_add_cleanup: arg is ptr, the object would never be freed");
  mwi_lock(&special_lock);
  struct special *x = special_new_locked(s, s->base + (uintptr_t)idx * s->slot, idx, CLEANUP);
  x->cleanup = fn;
  x->arg = arg;
  x->id = ++next_id;
  mw_cleanup c = {.id = x->id, .at = ~x->ptr};
  mwi_shade(arg);
  mwi_unlock(&special_lock);
  mw_keep_alive(p);
  return c;
}

MWI_EXPORT void mw_cleanup_stop(mw_cleanup c) {
  mwi_gc_attach();
  mwi_lock(&special_lock);
  mwi_pagedesc d = mwi_heap_lookup(~c.at);
  struct special **at = d ? (struct special **)&mwi_desc_span(d)->specials : NULL;
  while (at && *at && !((*at)->kind == CLEANUP && (*at)->id == c.id)) at = &(*at)->next;
  if (at && *at) special_drop_locked(at);
  mwi_unlock(&special_lock);
}

MWI_EXPORT mw_weak mw_weak_make(void *p) {
  if (!p) return NULL;
  if (p == mwi_zero_size) return &zero_size_handle;
  /* 16 bytes: a block of its own, not part of a tiny one */
  struct mwi_weak_handle *h = mw_alloc_noscan(16);
  mwi_gc_attach(); /* that may have cost us the P */
  uint32_t idx;
  struct mwi_span *s = object(p, false, &idx, "mw_weak_make");
  mwi_lock(&special_lock);
  struct special **at = find_locked(s, (uintptr_t)p, WEAK);
  if (*at) {
    h = (*at)->arg;
  } else {
    struct special *x = special_new_locked(s, (uintptr_t)p, idx, WEAK);
    mwi_store_relaxed(&h->ptr, (uintptr_t)p);
    x->arg = h;
  }
  mwi_unlock(&special_lock);
  mw_keep_alive(p);
  return h; /* black: new, or a root that nobody takes away before the sweep [SP2] */
}

MWI_EXPORT void *mw_weak_get(mw_weak h) {
  if (!h) return NULL;
  if (h == &zero_size_handle) return mwi_zero_size;
  mwi_gc_attach();
  uintptr_t p;
  mwi_rt_enter(); /* no stop, so no change of phase, until the answer is on the stack */
  for (;; mwi_pause()) {
    p = mwi_load_acquire(&h->ptr); /* pairs with the release in sweep_span */
    if (!p) break;
    if (mwi_wb_on()) {
      mwi_shade((void *)p);
      break;
    }
    mwi_pagedesc d = mwi_heap_lookup(p);
    if (!d) continue; /* swept and gone since we read ptr */
    struct mwi_span *s = mwi_desc_span(d);
    uint32_t gen = mwi_load_acquire(&s->sweepgen);
    if (gen == mwi_heap.sweepgen) { /* swept: what is dead has been cleared */
      if (mwi_load_acquire(&h->ptr) == p) break;
    } else if (gen == mwi_heap.sweepgen - 2) { /* unswept: its marks decide [SP3] */
      bool alive = marked(s, mwi_object_index(d, p));
      /* pairs with the fence after the claim (mcentral.c): marks of a sweep show its claim too */
      atomic_thread_fence(memory_order_acquire);
      if (mwi_load_relaxed(&s->sweepgen) != gen) continue;
      if (!alive) p = 0;
      break;
    }
  }
  mwi_rt_leave();
  return (void *)p;
}
