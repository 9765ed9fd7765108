/* SPDX-License-Identifier: MIT */
/*
 * sched/sema.c -- the table of goroutines parked on addresses
 *
 * Job      sema.h.
 * Promise  [SE1], [SE2].
 * How      BUCKETS locks, chosen by a hash of the address.  In a bucket, a
 *          treap (a binary tree ordered by address, and by random priority
 *          towards the root) holds one node for each distinct address; a node
 *          is the first waiter for that address, and the others hang from it in
 *          a list.  So a million goroutines on a million words cost each other
 *          a dozen comparisons, and a thousand on one word cost nothing.
 * Callers  goroutine stacks, holding no runtime lock.
 * Threads  a bucket's tree under its lock (rank SEMA).
 * Next     sync.c, which gives the words their meaning.
 */
#include "sched/sema.h"

#include "sched/proc.h"
#include "sched/waiter.h"

/* Power of two; a bucket is a cache line. */
enum { BUCKETS = 512 };

struct bucket {
  struct mwi_lock lock;
  _Atomic uint32_t nwait;  /* waiters, counted before they look at the word [SE2] */
  struct mwi_waiter *root; /* under lock: treap of addresses */
} MWI_ALIGNED(MWI_CACHE_LINE);

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgnu-designator"
static struct bucket buckets[BUCKETS] = {
    [0 ... BUCKETS - 1] = {.lock = MWI_LOCK_INIT(MWI_RANK_SEMA)}};
#pragma clang diagnostic pop

static struct bucket *bucket_of(const void *addr) {
  return &buckets[((uintptr_t)addr >> 2) * 0x9e3779b97f4a7c15u >> (64 - 9)];
}
_Static_assert(BUCKETS == 1 << 9, "bucket_of takes 9 bits");

/* ---- Treap of addresses (lock held) ------------------------------------ */

/* The place of `from` in its parent (or the root) is taken by `to`. */
static void replace(struct bucket *b, struct mwi_waiter *from, struct mwi_waiter *to) {
  struct mwi_waiter *up = from->sema.up;
  if (up == NULL)
    b->root = to;
  else if (up->sema.left == from)
    up->sema.left = to;
  else
    up->sema.right = to;
  if (to != NULL) to->sema.up = up;
}

/*      up            up
 *       |             |
 *       w      ->     c      and the mirror image: child c of w comes up
 *      / \           / \
 *     a   c         w   d
 *        / \       / \
 *       b   d     a   b      */
static void rotate_up(struct bucket *b, struct mwi_waiter *c) {
  struct mwi_waiter *w = c->sema.up, *inner;
  replace(b, w, c);
  if (w->sema.right == c) {
    inner = w->sema.right = c->sema.left;
    c->sema.left = w;
  } else {
    inner = w->sema.left = c->sema.right;
    c->sema.right = w;
  }
  if (inner != NULL) inner->sema.up = w;
  w->sema.up = c;
}

/* The node for addr, or NULL and where it belongs. */
static struct mwi_waiter *find(struct bucket *b, const void *addr, struct mwi_waiter **up,
                               struct mwi_waiter ***link) {
  struct mwi_waiter **l = &b->root, *parent = NULL;
  while (*l != NULL && (*l)->sema.addr != addr) {
    parent = *l;
    l = (uintptr_t)addr < (uintptr_t)parent->sema.addr ? &parent->sema.left : &parent->sema.right;
  }
  *up = parent;
  *link = l;
  return *l;
}

static void enqueue(struct bucket *b, const void *addr, struct mwi_waiter *w, bool lifo) {
  struct mwi_waiter *up, **link, *head = find(b, addr, &up, &link);
  w->sema.addr = addr;
  w->next = NULL;
  if (head == NULL) {
    w->sema.left = w->sema.right = NULL;
    w->sema.up = up;
    w->sema.tail = w;
    w->sema.priority = mwi_rand();
    *link = w;
    while (w->sema.up != NULL && w->sema.up->sema.priority > w->sema.priority) rotate_up(b, w);
  } else if (lifo) {
    /* w becomes the node */
    w->sema.left = head->sema.left;
    w->sema.right = head->sema.right;
    w->sema.up = head->sema.up;
    w->sema.priority = head->sema.priority;
    w->sema.tail = head->sema.tail;
    w->next = head;
    replace(b, head, w);
    if (w->sema.left != NULL) w->sema.left->sema.up = w;
    if (w->sema.right != NULL) w->sema.right->sema.up = w;
  } else {
    head->sema.tail->next = w;
    head->sema.tail = w;
  }
}

/* Node `head` leaves the tree; its list goes on with head->next. */
static void dequeue_head(struct bucket *b, struct mwi_waiter *head) {
  struct mwi_waiter *second = head->next;
  if (second != NULL) {
    second->sema.left = head->sema.left;
    second->sema.right = head->sema.right;
    second->sema.up = head->sema.up;
    second->sema.priority = head->sema.priority;
    second->sema.tail = head->sema.tail;
    replace(b, head, second);
    if (second->sema.left != NULL) second->sema.left->sema.up = second;
    if (second->sema.right != NULL) second->sema.right->sema.up = second;
    return;
  }
  for (;;) {
    struct mwi_waiter *l = head->sema.left, *r = head->sema.right;
    if (l == NULL || r == NULL) {
      replace(b, head, l != NULL ? l : r);
      return;
    }
    rotate_up(b, l->sema.priority < r->sema.priority ? l : r);
  }
}

/* ---- Semaphores -------------------------------------------------------- */

/* Take a permit if there is one. */
static bool take(_Atomic uint32_t *addr) {
  /* seq_cst: the waiter's last look, after it has counted itself [SE2] */
  uint32_t v = mwi_load_seqcst(addr);
  while (v > 0)
    if (mwi_cas_seqcst(addr, &v, v - 1)) return true;
  return false;
}

/* What the mutex profile is about. */
static bool is_mutex(enum mwi_wait reason) {
  return reason == MWI_WAIT_MUTEX || reason == MWI_WAIT_RWMUTEX_R || reason == MWI_WAIT_RWMUTEX_W;
}

void mwi_sema_acquire(_Atomic uint32_t *addr, bool lifo, enum mwi_wait reason) {
  if (take(addr)) return;
  mwi_attach();
  struct mwi_waiter *w = mwi_waiter_mine(mwi_getg());
  struct bucket *b = bucket_of((const void *)addr);
  for (;;) {
    mwi_lock(&b->lock);
    atomic_fetch_add_explicit(&b->nwait, 1, memory_order_seq_cst);
    if (take(addr)) {
      mwi_sub_acqrel(&b->nwait, 1);
      mwi_unlock(&b->lock);
      return;
    }
    w->sema.granted = false;
    w->sema.since = 0;
    if (MWI_UNLIKELY(mwi_load_acquire(&mwi_mutex_fraction)) && is_mutex(reason))
      w->sema.since = mwi_os_monotonic();
    enqueue(b, (const void *)addr, w, lifo);
    mwi_park_unlock(&b->lock, reason);
    if (w->sema.granted || take(addr)) return;
    /* somebody was faster */
  }
}

void mwi_sema_release(_Atomic uint32_t *addr, bool handoff) {
  struct bucket *b = bucket_of((const void *)addr);
  /* seq_cst: add, then look for waiters [SE2] */
  atomic_fetch_add_explicit(addr, 1, memory_order_seq_cst);
  if (mwi_load_seqcst(&b->nwait) == 0) return;
  mwi_attach();
  mwi_lock(&b->lock);
  struct mwi_waiter *up, **link, *w = find(b, (const void *)addr, &up, &link);
  if (w == NULL) {
    mwi_unlock(&b->lock);
    return;
  }
  dequeue_head(b, w);
  mwi_sub_acqrel(&b->nwait, 1);
  bool granted = handoff && take(addr);
  w->sema.granted = granted;
  struct mwi_g *g = w->g;
  int64_t since = w->sema.since;
  mwi_unlock(&b->lock);
  mwi_ready(g);
  if (MWI_UNLIKELY(since)) mwi_wait_caused(mwi_os_monotonic() - since);
  if (granted) mwi_yield();
}

/* ---- Turn-taking ------------------------------------------------------- */

/* a comes before b, on the circle of 32-bit numbers. */
static bool before(uint32_t a, uint32_t b) {
  return (int32_t)(a - b) < 0;
}

void mwi_notify_wait(_Atomic uint32_t *notify, uint32_t ticket) {
  mwi_attach();
  struct mwi_waiter *w = mwi_waiter_mine(mwi_getg());
  struct bucket *b = bucket_of((const void *)notify);
  mwi_lock(&b->lock);
  if (before(ticket, mwi_load_relaxed(notify))) { /* its turn came before it got here */
    mwi_unlock(&b->lock);
    return;
  }
  w->sema.ticket = ticket;
  enqueue(b, (const void *)notify, w, false);
  mwi_park_unlock(&b->lock, MWI_WAIT_COND);
}

void mwi_notify_one(_Atomic uint32_t *wait, _Atomic uint32_t *notify) {
  /* seq_cst: whoever drew a ticket before this call is seen here */
  if (mwi_load_seqcst(wait) == mwi_load_seqcst(notify)) return;
  mwi_attach();
  struct bucket *b = bucket_of((const void *)notify);
  mwi_lock(&b->lock);
  uint32_t turn = mwi_load_relaxed(notify);
  if (turn == mwi_load_seqcst(wait)) {
    mwi_unlock(&b->lock);
    return;
  }
  mwi_store_seqcst(notify, turn + 1);
  struct mwi_waiter *up, **link, *head = find(b, (const void *)notify, &up, &link);
  struct mwi_waiter *w = head, *last = NULL;
  while (w != NULL && w->sema.ticket != turn) {
    last = w;
    w = w->next;
  }
  /* w NULL: the ticket's holder is on its way, and will find its turn come */
  struct mwi_g *g = NULL;
  if (w != NULL) {
    g = w->g;
    if (last == NULL) {
      dequeue_head(b, w);
    } else {
      last->next = w->next;
      if (head->sema.tail == w) head->sema.tail = last;
    }
  }
  mwi_unlock(&b->lock);
  if (g != NULL) mwi_ready(g);
}

void mwi_notify_all(_Atomic uint32_t *wait, _Atomic uint32_t *notify) {
  if (mwi_load_seqcst(wait) == mwi_load_seqcst(notify)) return;
  mwi_attach();
  struct bucket *b = bucket_of((const void *)notify);
  mwi_lock(&b->lock);
  mwi_store_seqcst(notify, mwi_load_seqcst(wait));
  struct mwi_waiter *up, **link, *list = find(b, (const void *)notify, &up, &link);
  if (list != NULL) {
    struct mwi_waiter *rest = list->next;
    list->next = NULL;
    list->sema.tail = list;
    dequeue_head(b, list);
    list->next = rest;
  }
  mwi_unlock(&b->lock);
  while (list != NULL) {
    struct mwi_waiter *w = list;
    list = w->next; /* once ready, w is its goroutine's again */
    mwi_ready(w->g);
    mwi_poll();
  }
}

/* Most were never used: a page that is not written is not copied for the child. */
void mwi_sema_forget(void) {
  for (int i = 0; i < BUCKETS; i++) {
    struct bucket *b = &buckets[i];
    if (!mwi_load_relaxed(&b->lock.state) && !mwi_load_relaxed(&b->nwait) && !b->root) continue;
    mwi_store_relaxed(&b->lock.state, 0);
    mwi_store_relaxed(&b->nwait, 0);
    b->root = NULL;
  }
}
