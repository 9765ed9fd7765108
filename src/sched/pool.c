/* SPDX-License-Identifier: MIT */
/*
 * sched/pool.c -- mw_pool: free objects of one kind, kept for reuse
 *
 * Job      Go's sync.Pool.  Each processor has a private slot, touched by
 *          nobody else, and a deque that others steal from.  A collection
 *          empties the pool in two steps: what is in it becomes the victim
 *          generation, what was the victim is dropped.
 *
 *     pool.local  -> [ P 0: private | shared ][ P 1: private | shared ] ...
 *     shared      -> ring -> older, smaller ring -> ...        owner's end: newest
 *     ring        -> [ slot | slot | ... ]   head: owner; tail: thieves
 *
 * Promise  [Q1] An object is in one slot at a time, and one get receives it.
 *          [Q2] Everything above is collected memory, reached from the list
 *          of pools in use, which is a root; stores have barriers.
 *          [Q3] The list knows no pool whose memory is gone: of a library that is closed, or a
 *          thread-local of a thread that has ended.
 * How      The ring is a single-producer, many-consumer deque.  Head and tail
 *          are packed in one word, so that taking the last element is decided
 *          by one compare-and-swap; a thief clears the slot it took, and a
 *          push into a slot that is not clear yet counts as a full ring.
 * Threads  a get or put runs inside mwi_rt_enter from the choice of the P to
 *          the end, so the P stays and the world does not stop in between.
 */
#include <mallow.h>

#include "gc/alloc.h"
#include "gc/gc.h"
#include "gc/roots.h"
#include "sched/pool.h"
#include "sched/proc.h"

#define RING_FIRST 8
#define RING_LAST (1u << 20) /* slots; beyond that puts are dropped, to the collector */

struct ring {
  _Atomic uint64_t ends; /* head << 32 | tail, both counting up: [tail, head) is full */
  uint32_t size;         /* power of two */
  struct ring *older;    /* owner writes; thieves read (acquire) */
  _Atomic(void *) slot[];
};

struct local {
  void *private;                      /* the P's thread */
  _Atomic(struct ring *) ring;        /* newest; the P's thread writes */
  char pad[128 - 2 * sizeof(void *)]; /* two cache lines: neighbours are prefetched */
};

static struct mwi_lock pools_lock = MWI_LOCK_INIT(MWI_RANK_POOLS);
/* Those with an array or a victim, each once.  A pool leaves the list in clear_stw, or
 * with its library: a use while its victim is there does not move it.  Under pools_lock or with the
 * world stopped. */
static mw_pool *pools;

/* Pools that have been found in thread-locals, of which other threads cannot tell where they are:
 * from the first use until the thread ends or the library is closed.  Under pools_lock. */
static struct local_pool {
  struct local_pool *next;
  mw_pool *pool;
  uintptr_t image;
} *local_pools;
static struct mwi_meta_free free_local_pools; /* likewise */

/* ---- The deque --------------------------------------------------------- */

static uint32_t head_of(uint64_t ends) {
  return (uint32_t)(ends >> 32);
}
static uint32_t tail_of(uint64_t ends) {
  return (uint32_t)ends;
}

/* Shade a word that leaves or enters collected memory (both barrier halves). */
static void slot_set(_Atomic(void *) *slot, void *p) {
  mwi_shade(p ? p : mwi_load_relaxed(slot));
  mwi_store_release(slot, p); /* pairs with the acquire in pop and push */
}

/* Owner. */
static bool push(struct ring *r, void *p) {
  uint64_t ends = mwi_load_acquire(&r->ends);
  if (head_of(ends) - tail_of(ends) == r->size) return false;
  _Atomic(void *) *slot = &r->slot[head_of(ends) & (r->size - 1)];
  if (mwi_load_acquire(slot)) return false; /* a thief is still clearing it */
  slot_set(slot, p);
  mwi_add_acqrel(&r->ends, (uint64_t)1 << 32);
  return true;
}

/* Owner: the newest. */
static void *pop_head(struct ring *r) {
  for (;;) {
    uint64_t ends = mwi_load_acquire(&r->ends);
    if (head_of(ends) == tail_of(ends)) return NULL;
    if (!mwi_cas_acqrel(&r->ends, &ends, ends - ((uint64_t)1 << 32))) continue;
    _Atomic(void *) *slot = &r->slot[(head_of(ends) - 1) & (r->size - 1)];
    void *p = mwi_load_acquire(slot);
    slot_set(slot, NULL);
    return p;
  }
}

/* Anyone: the oldest. */
static void *pop_tail(struct ring *r) {
  for (;;) {
    uint64_t ends = mwi_load_acquire(&r->ends);
    if (head_of(ends) == tail_of(ends)) return NULL;
    uint64_t next = (ends & ~(uint64_t)UINT32_MAX) | (uint32_t)(tail_of(ends) + 1);
    if (!mwi_cas_acqrel(&r->ends, &ends, next)) continue;
    _Atomic(void *) *slot = &r->slot[tail_of(ends) & (r->size - 1)];
    void *p = mwi_load_acquire(slot);
    slot_set(slot, NULL);
    return p;
  }
}

static void *steal(struct local *l) {
  /* Oldest ring last: rings are few, since each is twice the one before. */
  for (struct ring *r = mwi_load_acquire(&l->ring); r; r = r->older) {
    void *p = pop_tail(r);
    if (p) return p;
  }
  return NULL;
}

static void *pop_own(struct local *l) {
  for (struct ring *r = mwi_load_relaxed(&l->ring); r; r = r->older) {
    void *p = pop_head(r);
    if (p) return p;
  }
  return NULL;
}

/* ---- Generations ------------------------------------------------------- */

/* image: what the pool, which enters the list, is a thread-local of; 0: none. */
static void note_local_locked(mw_pool *pool, uintptr_t image) {
  if (!image) return;
  for (struct local_pool *l = local_pools; l; l = l->next)
    if (l->pool == pool) {
      l->image = image;
      return;
    }
  struct local_pool *l = mwi_meta_take(&free_local_pools, sizeof *l, 16);
  *l = (struct local_pool){local_pools, pool, image};
  local_pools = l;
}

/* The pool's array for this cycle.  Allocates, so outside mwi_rt_enter. */
static void make_local(mw_pool *pool) {
  uint32_t n = (uint32_t)mwi_sched.nprocs;
  struct local *fresh = mwi_gc_alloc(n * sizeof *fresh, NULL);
  uintptr_t image = pool->listed ? 0 : mwi_tls_image(pool);
  mwi_lock(&pools_lock);
  if (!pool->local || pool->local_n < n) {
    mwi_store_ptr(&pool->local, fresh);
    pool->local_n = n;
    if (!pool->listed) {
      pool->listed = true;
      pool->next = pools;
      pools = pool;
      note_local_locked(pool, image);
      mwi_shade(pool); /* the list may have been scanned, and only a stack know the pool */
    }
  }
  mwi_unlock(&pools_lock);
}

/* Cycle starts, world stopped, barrier still off. */
void mwi_pools_clear_stw(void) {
  for (mw_pool **at = &pools; *at;) {
    mw_pool *p = *at;
    p->victim = p->local;
    p->victim_n = p->local_n;
    p->local = NULL;
    p->local_n = 0;
    if (p->victim) {
      at = &p->next;
    } else {
      *at = p->next;
      p->next = NULL;
      p->listed = false;
    }
  }
}

/* An array made since marking began is black, and shaded where it is stored: it is shown for heap
 * dumps.  The pool itself may be in collected memory that the program has let go. */
void mwi_pools_scan(void (*scan)(const void *p, size_t bytes)) {
  mwi_lock(&pools_lock);
  for (mw_pool *p = pools; p; p = p->next) {
    void *self = p;
    scan(&self, sizeof self);
    scan(&p->local, sizeof p->local);
    scan(&p->victim, sizeof p->victim);
  }
  mwi_unlock(&pools_lock);
}

static void unlist_locked(const mw_pool *pool) {
  for (mw_pool **at = &pools; *at; at = &(*at)->next)
    if (*at == pool) {
      *at = pool->next;
      return;
    }
}

/* Pools in [p, p + n), or, without p, those that are thread-locals of image. */
static void forget_local_locked(const void *p, size_t n, uintptr_t image) {
  for (struct local_pool **at = &local_pools; *at;) {
    struct local_pool *l = *at;
    if (p ? (uintptr_t)l->pool - (uintptr_t)p >= n : l->image != image) {
      at = &l->next;
      continue;
    }
    if (!p) unlist_locked(l->pool);
    *at = l->next;
    mwi_meta_give(&free_local_pools, l);
  }
}

void mwi_pools_forget_image(uintptr_t image) {
  mwi_lock(&pools_lock);
  forget_local_locked(NULL, 0, image);
  mwi_unlock(&pools_lock);
}

/* A variable of a library that is closed, or of a thread that ends: pools in it are no more.  What
 * they hold has been shaded as the variable's words are. */
void mwi_pools_forget(const void *p, size_t n) {
  mwi_lock(&pools_lock);
  forget_local_locked(p, n, 0);
  for (mw_pool **at = &pools; *at;)
    if ((uintptr_t)*at - (uintptr_t)p < n)
      *at = (*at)->next;
    else
      at = &(*at)->next;
  mwi_unlock(&pools_lock);
}

/* ---- Get and put ------------------------------------------------------- */

static struct local *mine(void *array, uint32_t n) {
  uint32_t id = mwi_tcb()->p->id;
  return array && id < n ? (struct local *)array + id : NULL;
}

static void *take(mw_pool *pool) {
  struct local *l = mine(pool->local, pool->local_n);
  if (l && l->private) {
    void *p = l->private;
    mwi_store_ptr(&l->private, NULL);
    return p;
  }
  void *p = l ? pop_own(l) : NULL;
  for (uint32_t i = 0; !p && i < pool->local_n; i++) p = steal((struct local *)pool->local + i);
  if (p || !pool->victim) return p;
  l = mine(pool->victim, pool->victim_n);
  if (l && l->private) {
    p = l->private;
    mwi_store_ptr(&l->private, NULL);
    return p;
  }
  for (uint32_t i = 0; !p && i < pool->victim_n; i++) p = steal((struct local *)pool->victim + i);
  if (!p) pool->victim_n = 0; /* empty: do not look again in this cycle */
  return p;
}

/*
 * The common case: this P's private slot, no marking.  Runtime text without a
 * call in it is not stopped (sched/stop.c), so the P stays ours and the phase
 * the same from the first load to the store, without mwi_rt_enter.
 */
MWI_INLINE struct local *private_fast(const mw_pool *pool) {
  struct mwi_tcb *t = mwi_tcb();
  struct mwi_p *p = t->p;
  if (MWI_UNLIKELY(!p || t->wb || !pool->local || p->id >= pool->local_n)) return NULL;
  return (struct local *)pool->local + p->id;
}

MWI_EXPORT void *mw_pool_get(mw_pool *pool) {
  struct local *fast = private_fast(pool);
  if (MWI_LIKELY(fast && fast->private)) {
    void *p = fast->private;
    fast->private = NULL;
    return p;
  }
  mwi_attach();
  mwi_rt_enter();
  void *p = take(pool);
  mwi_rt_leave();
  return p || !pool->make ? p : pool->make();
}

/* 1 done, 0 a bigger ring is wanted, -1 the pool has no array. */
static int put(mw_pool *pool, void *p, struct ring *spare) {
  struct local *l = mine(pool->local, pool->local_n);
  if (!l) return -1;
  if (!l->private) {
    mwi_store_ptr(&l->private, p);
    return 1;
  }
  struct ring *r = mwi_load_relaxed(&l->ring);
  if (r && push(r, p)) return 1;
  uint32_t want = r ? r->size * 2 : RING_FIRST;
  if (want > RING_LAST) return 1;
  if (!spare || spare->size < want) return 0;
  spare->older = r;
  mwi_shade(r);
  mwi_shade(spare);
  push(spare, p);
  mwi_store_release(&l->ring, spare); /* pairs with the acquire in steal */
  return 1;
}

MWI_EXPORT void mw_pool_put(mw_pool *pool, void *p) {
  if (!p) return;
  struct local *fast = private_fast(pool);
  if (MWI_LIKELY(fast && !fast->private)) {
    fast->private = p;
    return;
  }
  mwi_attach();
  struct ring *spare = NULL;
  for (;;) {
    mwi_rt_enter();
    int r = put(pool, p, spare);
    uint32_t size = RING_FIRST;
    if (r == 0) {
      struct local *l = mine(pool->local, pool->local_n);
      struct ring *old = mwi_load_relaxed(&l->ring);
      if (old) size = old->size * 2;
    }
    mwi_rt_leave();
    if (r > 0) return;
    if (r < 0) {
      make_local(pool);
      mwi_attach();
      continue;
    }
    spare = mwi_gc_alloc(sizeof *spare + size * sizeof spare->slot[0], NULL);
    spare->size = size;
    mwi_attach();
  }
}
