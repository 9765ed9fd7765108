/* SPDX-License-Identifier: MIT */
/*
 * sched/timer.c -- per-processor heaps of timers
 *
 * Job      mwi_timer_arm and what proc.c asks (sched/sched.h): the next
 *          deadline, run what is due, move.
 * Promise  [T1]-[T3] of timer.h.
 * How      A 4-ary heap of (deadline, timer) pairs of 16 bytes; the four
 *          children of an entry share a cache line.  Sifting compares
 *          deadlines in the array and never touches the timers, so a million
 *          pending timers cost 16 MB and about ten cache lines an operation.
 *          Cancelled timers stay until due; when more than a quarter of the
 *          entries are stale the heap is filtered and rebuilt, which costs
 *          each cancellation a constant.
 * Callers  arm, disarm: goroutines, and fire functions, with a channel's lock
 *          or none.  run, next, move: the scheduler on its system stack.
 * Threads  one lock a heap, rank TIMER.  Any thread may arm into any heap.
 * Rejected position of each timer kept in the timer (removal at once): every
 *          move of a sift would miss the cache once more.  Timer wheels: no
 *          order within a slot, and an idle processor needs the exact next
 *          deadline.
 */
#include "sched/timer.h"

#include "os/os.h"

struct entry {
  int64_t when;
  struct mwi_timer *t;
};

struct mwi_timers {
  struct mwi_lock lock; /* rank TIMER */

  /* under lock */
  struct entry *e; /* a heap: e[0] is due first; e[1] begins a cache line */
  size_t n, cap;
  size_t nroots; /* entries whose timers are collected objects */

  /* atomic, relaxed: entries cancelled since; may be off by races, in both
   * directions: it only decides when to filter */
  _Atomic int64_t stale;
  /* atomic: e[0].when, or INT64_MAX.  Release after every change; readers
   * decide whether to sleep, and mwi_timer_notify covers what they miss. */
  _Atomic int64_t next;

  struct mwi_timers *all_next; /* constant */
} MWI_ALIGNED(MWI_CACHE_LINE);

/* Every heap; grows only.  Release on publication pairs with scan's acquire. */
static struct mwi_timers *_Atomic all_timers;

enum {
  FIRST_CAP = 253,  /* entries; with the 3 before e[0], 4 KB */
  PAD = 3,          /* entries before e[0] */
  FILTER_FROM = 64, /* smaller heaps are never filtered */
};

struct mwi_timers *mwi_timers_new(void) {
  struct mwi_timers *h = mwi_meta_alloc(sizeof *h, _Alignof(struct mwi_timers));
  h->lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_TIMER);
  mwi_store_relaxed(&h->next, INT64_MAX);
  struct mwi_timers *head = mwi_load_relaxed(&all_timers);
  do h->all_next = head;
  while (!mwi_cas_acqrel(&all_timers, &head, h));
  return h;
}

int64_t mwi_timers_next(struct mwi_timers *h) {
  return mwi_load_acquire(&h->next);
}

/* ---- The heap (lock held) ---------------------------------------------- */

static void publish_next(struct mwi_timers *h) {
  mwi_store_release(&h->next, h->n == 0 ? INT64_MAX : h->e[0].when);
}

static void sift_up(struct entry *e, size_t i) {
  struct entry x = e[i];
  while (i > 0) {
    size_t up = (i - 1) / 4;
    if (e[up].when <= x.when) break;
    e[i] = e[up];
    i = up;
  }
  e[i] = x;
}

static void sift_down(struct entry *e, size_t n, size_t i) {
  struct entry x = e[i];
  for (;;) {
    size_t c = 4 * i + 1;
    if (c >= n) break;
    size_t end = c + 4 < n ? c + 4 : n, least = c;
    for (size_t k = c + 1; k < end; k++)
      if (e[k].when < e[least].when) least = k;
    if (e[least].when >= x.when) break;
    e[i] = e[least];
    i = least;
  }
  e[i] = x;
}

/* Room for one more entry.  Old arrays go back to the OS, except the first. */
static void grow(struct mwi_timers *h) {
  size_t bytes = (h->cap + PAD) * sizeof(struct entry), more = 2 * bytes;
  struct entry *base;
  if (h->cap == 0) {
    more = (FIRST_CAP + PAD) * sizeof(struct entry);
    base = mwi_meta_alloc(more, MWI_CACHE_LINE);
  } else {
    base = mwi_os.map(more);
    if (base == NULL) mwi_fatal("out of memory: %zu bytes for timers", more);
    memcpy(base + PAD, h->e, h->n * sizeof *base);
    if (h->cap > FIRST_CAP) mwi_os.unreserve(h->e - PAD, bytes);
  }
  h->e = base + PAD;
  h->cap = more / sizeof(struct entry) - PAD;
}

/* x is the entry that its timer counts on [T2]. */
static bool is_current(struct mwi_timers *h, const struct entry *x) {
  /* equal to h: then it changes only under h's lock, which is held */
  return mwi_load_acquire(&x->t->heap) == h && x->t->hint == x->when;
}

/* The timer's entry has left its heap. */
static void forget(struct mwi_timer *t) {
  t->hint = 0;
  mwi_store_seqcst(&t->heap, NULL);
}

/* Drop the entries whose timers want nothing.  arm stores want before it looks
 * at heap, so either we see its wish here or it sees the timer outside. */
static void filter(struct mwi_timers *h) {
  size_t kept = 0, roots = 0;
  for (size_t i = 0; i < h->n; i++) {
    struct entry x = h->e[i];
    if (!is_current(h, &x)) continue;
    if (mwi_load_seqcst(&x.t->want) == 0) {
      forget(x.t);
      if (mwi_load_seqcst(&x.t->want) == 0) continue;
      struct mwi_timers *none = NULL;
      if (!mwi_cas_seqcst(&x.t->heap, &none, h)) continue;
      x.t->hint = x.when;
    }
    h->e[kept++] = x;
    roots += x.t->collected;
  }
  h->n = kept;
  h->nroots = roots;
  for (size_t i = kept / 4 + 1; i-- > 0;)
    if (i < kept) sift_down(h->e, kept, i);
  mwi_store_relaxed(&h->stale, 0);
}

static void push(struct mwi_timers *h, struct mwi_timer *t, int64_t when) {
  if (h->n >= FILTER_FROM && mwi_load_relaxed(&h->stale) > (int64_t)(h->n / 4)) filter(h);
  if (h->n == h->cap) grow(h);
  h->e[h->n] = (struct entry){when, t};
  sift_up(h->e, h->n++);
  h->nroots += t->collected;
  t->hint = when;
}

static struct entry pop(struct mwi_timers *h) {
  struct entry x = h->e[0];
  if (--h->n > 0) {
    h->e[0] = h->e[h->n];
    sift_down(h->e, h->n, 0);
  }
  h->nroots -= x.t->collected;
  return x;
}

/* ---- Arm --------------------------------------------------------------- */

int64_t mwi_timer_deadline(int64_t ns) {
  int64_t now = mwi_os.nanotime(), when;
  if (ns < 0) ns = 0;
  return __builtin_add_overflow(now, ns, &when) ? INT64_MAX : when;
}

/* Give t an entry not later than `when`: in the heap that has one already,
 * else in `home`. */
static void ensure_entry(struct mwi_timer *t, int64_t when, struct mwi_timers *home) {
  for (;;) {
    struct mwi_timers *h = mwi_load_seqcst(&t->heap);
    bool fresh = h == NULL;
    if (fresh) h = home;
    mwi_lock(&h->lock);
    struct mwi_timers *was = NULL;
    if (fresh ? !mwi_cas_seqcst(&t->heap, &was, h) : mwi_load_seqcst(&t->heap) != h) {
      mwi_unlock(&h->lock);
      continue;
    }
    int64_t before = mwi_load_relaxed(&h->next);
    if (fresh || when < t->hint) {
      push(h, t, when);
      publish_next(h);
      if (!fresh) mwi_add_relaxed(&h->stale, 1);
    }
    mwi_unlock(&h->lock);
    if (when < before) mwi_timer_notify(when);
    return;
  }
}

void mwi_timer_arm(struct mwi_timer *t, int64_t when) {
  mwi_assert(when > 0);
  mwi_rt_enter(); /* keep the processor whose heap is home, and t unmoved by a stop */
  int64_t wanted = atomic_exchange_explicit(&t->want, when, memory_order_seq_cst);
  struct mwi_timers *h = mwi_load_seqcst(&t->heap);
  if (wanted == 0 && h != NULL) mwi_add_relaxed(&h->stale, -1);
  ensure_entry(t, when, mwi_timers_mine());
  mwi_rt_leave();
}

void mwi_timer_disarm(struct mwi_timer *t) {
  if (mwi_load_relaxed(&t->want) == 0) return;
  mwi_store_seqcst(&t->want, 0);
  struct mwi_timers *h = mwi_load_relaxed(&t->heap);
  if (h != NULL) mwi_add_relaxed(&h->stale, 1);
}

/* ---- The scheduler's side ---------------------------------------------- */

int mwi_timers_run(struct mwi_timers *h, int64_t now) {
  if (mwi_load_acquire(&h->next) > now) return 0;
  int ran = 0;
  mwi_rt_enter(); /* a timer taken out here is on nobody's stack: no stop before it has fired */
  mwi_lock(&h->lock);
  while (h->n > 0 && h->e[0].when <= now) {
    struct entry x = pop(h);
    if (!is_current(h, &x)) {
      mwi_add_relaxed(&h->stale, -1);
      continue;
    }
    mwi_shade(x.t);
    forget(x.t);
    int64_t want = mwi_load_seqcst(&x.t->want);
    if (want == 0) {
      mwi_add_relaxed(&h->stale, -1);
      continue;
    }
    publish_next(h);
    mwi_unlock(&h->lock);
    if (want <= now) {
      x.t->fire(x.t, now);
      ran++;
    } else {
      ensure_entry(x.t, want, h); /* it was put off */
    }
    mwi_lock(&h->lock);
  }
  if (h->n == 0) mwi_store_relaxed(&h->stale, 0);
  publish_next(h);
  mwi_unlock(&h->lock);
  mwi_rt_leave();
  return ran;
}

void mwi_timers_move(struct mwi_timers *from, struct mwi_timers *to) {
  mwi_rt_enter();
  mwi_lock(&from->lock);
  while (from->n > 0) {
    struct entry x = from->e[--from->n]; /* a leaf: order stays */
    from->nroots -= x.t->collected;
    if (!is_current(from, &x)) continue;
    forget(x.t);
    int64_t want = mwi_load_seqcst(&x.t->want);
    if (want == 0) continue;
    publish_next(from);
    mwi_unlock(&from->lock);
    ensure_entry(x.t, want, to);
    mwi_lock(&from->lock);
  }
  mwi_store_relaxed(&from->stale, 0);
  publish_next(from);
  mwi_unlock(&from->lock);
  mwi_rt_leave();
}

/* ---- The collector's side ---------------------------------------------- */

/* Entries for collected timers are roots, stale ones too, because the heap
 * will look at their timers.  A sleeping goroutine's timer is in a waiter, so
 * a heap of sleepers is skipped as a whole. */
void mwi_timers_scan(void (*scan)(const void *p, size_t bytes)) {
  /* acquire: pairs with the publication in mwi_timers_new */
  for (struct mwi_timers *h = mwi_load_acquire(&all_timers); h != NULL; h = h->all_next) {
    mwi_lock(&h->lock);
    for (size_t i = 0; h->nroots != 0 && i < h->n; i++)
      if (h->e[i].t->collected) scan(&h->e[i].t, sizeof h->e[i].t);
    mwi_unlock(&h->lock);
  }
}

/* ---- Checks ------------------------------------------------------------ */

size_t mwi_timers_count(struct mwi_timers *h) {
  mwi_lock(&h->lock);
  size_t n = h->n;
  mwi_unlock(&h->lock);
  return n;
}

void mwi_timers_check(struct mwi_timers *h) {
  mwi_lock(&h->lock);
  for (size_t i = 1; i < h->n; i++)
    if (h->e[(i - 1) / 4].when > h->e[i].when) mwi_fatal("timers: entry %zu is out of order", i);
  size_t roots = 0;
  for (size_t i = 0; i < h->n; i++) roots += h->e[i].t->collected;
  if (roots != h->nroots) mwi_fatal("timers: %zu roots, counted %zu", roots, h->nroots);
  if (mwi_load_relaxed(&h->next) != (h->n == 0 ? INT64_MAX : h->e[0].when))
    mwi_fatal("timers: next deadline is stale");
  mwi_unlock(&h->lock);
}
