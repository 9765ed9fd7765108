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
 * How      What was asked for the objects of one span is a set, a list of dense chunks, with a
 *          bit for each slot that has any; so a sweep asks for the dead with a few words.
 * Threads  special_lock guards sets and queues.  The sweep hook runs inside a
 *          sweep, with the span in the sweeper's hand.
 */
#include "gc/special.h"

#include <mallow.h>

#include "gc/alloc.h"
#include "gc/barrier.h"
#include "gc/cycle.h"
#include "gc/mark.h"
#include "gc/roots.h"

enum kind { FINALIZER, CLEANUP, WEAK, SAMPLE };

/* One thing asked for one object.  Dense, since a sweep walks all of a span for one that died. */
struct special {
  uint64_t slot : 9; /* in the span */
  uint64_t kind : 3;
  uint64_t which : 52; /* FINALIZER, WEAK: the address as given; CLEANUP: its id */
  union {
    void (*finalizer)(void *, void *);
    void (*cleanup)(void *);
  };
  void *arg; /* WEAK: the handle; SAMPLE: the bucket */
};
_Static_assert(MWI_SPAN_MAX_OBJECTS <= 1 << 9, "slot");
_Static_assert(sizeof(struct special) == 24, "three words");

#define CHUNK_SPECIALS 10
struct chunk {
  struct chunk *next;
  uint32_t n; /* at[0 .. n) are there */
  struct special at[CHUNK_SPECIALS];
};
_Static_assert(sizeof(struct chunk) == 256, "four lines");

/* All of one span, which points to it; exists while there are any. */
struct set {
  /* Atomic, relaxed; written under special_lock.  A slot that has specials has its bit set; others
   * may.  A hint without the lock: see sweep_span. */
  _Atomic uint64_t slots[MWI_SPAN_MAX_OBJECTS / 64];
  struct mwi_span *span;
  struct set *newer, *older; /* of all */
  struct chunk *first;       /* others are full */
};

/* The collected, pointer-free word behind a mw_weak. */
struct mwi_weak_handle {
  _Atomic uintptr_t ptr; /* 0 once the object is dead; written in the sweep */
};

static struct mwi_weak_handle zero_size_handle = {(uintptr_t)mwi_zero_size};

struct queue {
  struct mwi_due *head, *tail;
  struct mwi_due *scan_at; /* the root job's next; who takes it off moves this on */
};

static struct mwi_lock special_lock = MWI_LOCK_INIT(MWI_RANK_ROOTS);
/* under special_lock */
static struct set *newest, *free_sets;
static struct mwi_meta_free free_chunks, free_dues;
static struct queue queues[2]; /* cleanups, finalizers */
static uint64_t next_id;
/* The root job lets go of the lock between batches: the set that it is at, and the chunk that is
 * next there, NULL: none.  Who takes one off its list moves this on.  What a removal moves comes
 * from its set's first chunk, so it never goes from what is to be scanned to what has been. */
static struct set *scan_set;
static struct chunk *scan_chunk;

void (*mwi_due_notify)(bool);
void (*mwi_due_start)(void);
void (*mwi_sampled_freed)(void *bucket);

/* ---- Sets -------------------------------------------------------------- */

static struct set *set_of(struct mwi_span *s) {
  return mwi_load_acquire(&s->specials); /* pairs with set_new_locked */
}

static void scan_set_at(struct set *set) {
  scan_set = set;
  scan_chunk = set ? set->first : NULL;
}

static struct set *set_new_locked(struct mwi_span *s) {
  struct set *set = free_sets;
  if (set)
    free_sets = set->older;
  else
    set = mwi_meta_alloc(sizeof *set, 64);
  for (size_t w = 0; w < MWI_SPAN_MAX_OBJECTS / 64; w++) mwi_store_relaxed(&set->slots[w], 0);
  set->span = s;
  set->first = NULL;
  set->newer = NULL;
  set->older = newest;
  if (newest) newest->newer = set;
  newest = set;
  mwi_store_release(&s->specials, set); /* pairs with set_of: after slots */
  return set;
}

static void set_free_locked(struct set *set) {
  mwi_assert(!set->first);
  mwi_store_relaxed(&set->span->specials, NULL);
  if (set->newer)
    set->newer->older = set->older;
  else
    newest = set->older;
  if (set->older) set->older->newer = set->newer;
  if (set == scan_set) scan_set_at(set->older);
  set->older = free_sets;
  free_sets = set;
}

static struct special *add_locked(struct mwi_span *s, uint32_t slot, enum kind kind,
                                  uint64_t which) {
  struct set *set = set_of(s);
  if (!set) set = set_new_locked(s);
  struct chunk *c = set->first;
  if (!c || c->n == CHUNK_SPECIALS) {
    c = mwi_meta_take(&free_chunks, sizeof *c, 64);
    c->n = 0;
    c->next = set->first;
    set->first = c;
  }
  mwi_or_relaxed(&set->slots[slot >> 6], (uint64_t)1 << (slot & 63));
  struct special *x = &c->at[c->n++];
  *x = (struct special){.slot = slot, .kind = kind, .which = which};
  mwi_assert(x->slot == slot && x->which == which);
  return x;
}

/*
 * The argument need not be shaded: nobody can have read it here.  The last of the first chunk takes
 * x's place, so a walk over all that goes down in each chunk has seen it.  The set stays, even if
 * it is empty.
 */
static void remove_locked(struct set *set, struct special *x) {
  struct chunk *c = set->first;
  *x = c->at[--c->n];
  if (c->n) return;
  set->first = c->next;
  if (c == scan_chunk) scan_chunk = c->next;
  mwi_meta_give(&free_chunks, c);
}

static void remove_one_locked(struct set *set, struct special *x) {
  remove_locked(set, x);
  if (!set->first) set_free_locked(set);
}

/* Without the lock: perhaps. */
static bool any_at(struct mwi_span *s, uint32_t slot) {
  struct set *set = set_of(s);
  return set && (mwi_load_relaxed(&set->slots[slot >> 6]) >> (slot & 63) & 1);
}

static struct special *find_locked(struct mwi_span *s, uint32_t slot, enum kind kind,
                                   uint64_t which) {
  if (!any_at(s, slot)) return NULL;
  for (struct chunk *c = set_of(s)->first; c; c = c->next)
    for (uint32_t i = c->n; i-- > 0;) {
      struct special *x = &c->at[i];
      if (x->slot == slot && x->kind == kind && x->which == which) return x;
    }
  return NULL;
}

/* ---- Due calls --------------------------------------------------------- */

static void due_put_locked(const struct special *x) {
  struct mwi_due *d = mwi_meta_take(&free_dues, sizeof *d, 16);
  bool finalizer = x->kind == FINALIZER;
  *d = (struct mwi_due){.arg = x->arg};
  if (finalizer) {
    d->finalizer = x->finalizer;
    d->obj = (void *)(uintptr_t)x->which;
  } else {
    d->cleanup = x->cleanup;
  }
  struct queue *q = &queues[finalizer];
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
  mwi_meta_give(&free_dues, d);
  mwi_unlock(&special_lock);
}

/* ---- Sweep ------------------------------------------------------------- */

static bool marked(const struct mwi_span *s, uint32_t idx) {
  return mwi_load_relaxed(&s->mark[idx >> 6]) >> (idx & 63) & 1;
}

typedef uint64_t slot_set[MWI_SPAN_MAX_OBJECTS / 64];

static bool has(const slot_set set, uint32_t slot) {
  return set[slot >> 6] >> (slot & 63) & 1;
}

/* Slots of s that have, or may have, specials and are not marked; false: none. */
static bool find_dead(const struct mwi_span *s, const struct set *set, slot_set dead) {
  uint64_t any = 0;
  for (size_t w = 0; w < (s->nelems + 63) / 64; w++)
    any |= dead[w] = mwi_load_relaxed(&set->slots[w]) & ~mwi_load_relaxed(&s->mark[w]);
  return any != 0;
}

/* Weak handles and finalizers of all that died; the second are due, and what they get lives for
 * one more cycle: no longer dead.  A block may have several (tiny objects).  True: there are. */
static bool clear_and_revive_locked(struct mwi_span *s, struct set *set, slot_set dead) {
  slot_set revived = {0};
  bool any = false;
  for (struct chunk *c = set->first, *next; c; c = next) {
    next = c->next;
    for (uint32_t i = c->n; i-- > 0;) {
      struct special *x = &c->at[i];
      if ((x->kind != WEAK && x->kind != FINALIZER) || !has(dead, x->slot)) continue;
      if (x->kind == WEAK) {
        mwi_store_release(&((struct mwi_weak_handle *)x->arg)->ptr, 0);
      } else {
        due_put_locked(x);
        revived[x->slot >> 6] |= (uint64_t)1 << (x->slot & 63);
        any = true;
      }
      remove_locked(set, x);
    }
  }
  for (size_t w = 0; any && w < (s->nelems + 63) / 64; w++) {
    if (revived[w]) mwi_or_relaxed(&s->mark[w], revived[w]);
    dead[w] &= ~revived[w];
  }
  return any;
}

/* Cleanups and samples of what has died for good.  True: there are cleanups. */
static bool clean_up_locked(struct set *set, const slot_set dead) {
  bool any = false;
  for (struct chunk *c = set->first, *next; c; c = next) {
    next = c->next;
    for (uint32_t i = c->n; i-- > 0;) {
      struct special *x = &c->at[i];
      if (!has(dead, x->slot)) continue;
      if (x->kind == SAMPLE) {
        mwi_sampled_freed(x->arg);
      } else {
        due_put_locked(x);
        any = true;
      }
      remove_locked(set, x);
    }
  }
  return any;
}

/*
 * Before the marks of s become its allocations.  The first look needs no lock: what others do to
 * the set meanwhile concerns objects that they have, and those are marked; a set that has become
 * another span's shows false alarms at most.
 */
static void sweep_span(struct mwi_span *s) {
  slot_set dead = {0};
  struct set *set = set_of(s);
  if (!set || !find_dead(s, set, dead)) return;
  bool due[2] = {false, false};
  mwi_lock(&special_lock);
  if ((set = set_of(s)) && find_dead(s, set, dead)) {
    due[true] = clear_and_revive_locked(s, set, dead);
    due[false] = clean_up_locked(set, dead);
    for (size_t w = 0; w < (s->nelems + 63) / 64; w++)
      mwi_store_relaxed(&set->slots[w], mwi_load_relaxed(&set->slots[w]) & ~dead[w]);
    if (!set->first) set_free_locked(set);
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

static void scan_one_chunk(struct mwi_gcp *w, struct chunk *c) {
  for (uint32_t i = 0; i < c->n; i++) {
    struct special *x = &c->at[i];
    if (x->kind == SAMPLE) continue;
    scan_word(w, &x->arg);                                /* [SP2] */
    if (x->kind == FINALIZER) scan_contents(w, x->which); /* [SP1] */
  }
}

void mwi_specials_scan(struct mwi_gcp *w) {
  mwi_lock(&special_lock);
  uint32_t n = 0;
  for (scan_set_at(newest); scan_set;) {
    struct chunk *c = scan_chunk;
    if (!c) {
      scan_set_at(scan_set->older);
      continue;
    }
    scan_chunk = c->next;
    scan_one_chunk(w, c);
    n += c->n;
    if (n < SCAN_BATCH) continue;
    n = 0;
    let_others_in();
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

static void each_stw(enum kind kind, void (*fn)(void *arg, const struct mwi_special_facts *f),
                     void *arg) {
  for (struct set *set = newest; set; set = set->older)
    for (struct chunk *c = set->first; c; c = c->next)
      for (uint32_t i = 0; i < c->n; i++) {
        const struct special *x = &c->at[i];
        if (x->kind != kind) continue;
        struct mwi_special_facts f = {.obj =
                                          set->span->base + (uintptr_t)x->slot * set->span->slot};
        if (kind == FINALIZER) {
          f.obj = x->which;
          f.fn = (uintptr_t)x->finalizer;
          f.arg = x->arg;
        } else {
          f.bucket = x->arg;
        }
        fn(arg, &f);
      }
}

void mwi_specials_each_stw(void (*fn)(void *arg, const struct mwi_special_facts *f), void *arg) {
  each_stw(FINALIZER, fn, arg);
  for (struct mwi_due *d = queues[true].head; d; d = d->next)
    fn(arg,
       &(struct mwi_special_facts){
           .obj = (uintptr_t)d->obj, .fn = (uintptr_t)d->finalizer, .arg = d->arg, .due = true});
  each_stw(SAMPLE, fn, arg);
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
  struct special *old = find_locked(s, idx, FINALIZER, (uintptr_t)p);
  if (!fn) {
    if (old) remove_one_locked(set_of(s), old);
  } else if (old) {
    mwi_unlock(&special_lock);
    mwi_fatal("mw_set_finalizer: finalizer already set");
  } else {
    struct special *x = add_locked(s, idx, FINALIZER, (uintptr_t)p);
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
  add_locked(s, idx, SAMPLE, 0)->arg = bucket;
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
  struct special *x = add_locked(s, idx, CLEANUP, ++next_id);
  x->cleanup = fn;
  x->arg = arg;
  mw_cleanup c = {.id = next_id, .at = ~(s->base + (uintptr_t)idx * s->slot)};
  mwi_shade(arg);
  mwi_unlock(&special_lock);
  mw_keep_alive(p);
  return c;
}

MWI_EXPORT void mw_cleanup_stop(mw_cleanup c) {
  mwi_gc_attach();
  mwi_lock(&special_lock);
  mwi_pagedesc d = mwi_heap_lookup(~c.at);
  struct mwi_span *s = d ? mwi_desc_span(d) : NULL;
  uint32_t idx = d ? mwi_object_index(d, ~c.at) : 0; /* the object may be gone, its span another */
  struct special *x = s && idx < s->nelems ? find_locked(s, idx, CLEANUP, c.id) : NULL;
  if (x) remove_one_locked(set_of(s), x);
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
  struct special *x = find_locked(s, idx, WEAK, (uintptr_t)p);
  if (x) {
    h = x->arg;
  } else {
    mwi_store_relaxed(&h->ptr, (uintptr_t)p);
    add_locked(s, idx, WEAK, (uintptr_t)p)->arg = h;
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
