/* SPDX-License-Identifier: MIT */
/*
 * sched/timer.c -- per-processor heaps of timers
 *
 * Job      mwi_timer_arm and what the scheduler asks (sched/sched.h): the next
 *          deadline, run what is due, move.
 * Promise  [TM1]-[TM3] of timer.h.
 * How      A 4-ary heap of (deadline, timer) pairs of 16 bytes; the four
 *          children of an entry share a cache line.  Sifting compares
 *          deadlines in the array and never touches the timers, so a million
 *          pending timers cost 16 MB and about ten cache lines an operation.
 *          Cancelled timers stay until due; when more than a quarter of the
 *          entries are stale, each insertion looks at a few entries in turn
 *          and takes the stale ones out.
 *          No step is long, because a thread cannot be stopped inside: the
 *          array grows by chunks and is never copied, and run and scan
 *          work in batches.
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
  uintptr_t tagged; /* struct mwi_timer *, and COLLECTED */
};
enum { COLLECTED = 1 }; /* the timer is a collected object: the entry is a root */

enum {
  CHUNK_SHIFT = 12,
  CHUNK = 1 << CHUNK_SHIFT, /* entries: 64 KB */
  TABLE = 1 << 14,          /* chunks: 64 million timers in a heap */
  PAD = 3,                  /* e(1) begins a cache line */
  FEW = 64,                 /* smaller heaps are not worth cleaning */
  CLEAN_STEP = 8,           /* entries looked at by an insertion; with a quarter stale, two go */
  RUN_BATCH = 128,          /* timers fired before the scheduler looks around: some microseconds */
  SCAN_BATCH = 1024,        /* entries scanned before the lock is dropped */
};

struct mwi_timers {
  struct mwi_lock lock; /* rank TIMER */

  /* under lock */
  size_t n;             /* entries; e(0) is due first */
  size_t nroots;        /* those with COLLECTED */
  size_t cap;           /* entries that fit into the chunks there are */
  size_t clean_at;      /* where cleaning goes on */
  struct entry **chunk; /* TABLE pointers, reserved address space until used */

  /* atomic, relaxed: entries cancelled since; may be off by races, in both
   * directions: it only decides when to clean */
  _Atomic int64_t stale;
  /* atomic: e(0).when, or INT64_MAX.  Release after every change; readers
   * decide whether to sleep, and mwi_timer_notify covers what they miss. */
  _Atomic int64_t next;

  struct mwi_timers *all_next; /* constant */
} MWI_ALIGNED(MWI_CACHE_LINE);

/* Every heap; grows only.  Release on publication pairs with scan's acquire. */
static struct mwi_timers *_Atomic all_timers;

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

MWI_INLINE struct entry *at(const struct mwi_timers *h, size_t i) {
  return &h->chunk[(i + PAD) >> CHUNK_SHIFT][(i + PAD) & (CHUNK - 1)];
}

MWI_INLINE struct mwi_timer *timer_of(struct entry x) {
  return (struct mwi_timer *)(x.tagged & ~(uintptr_t)COLLECTED);
}

/* An entry changes its place.  The scan of roots may be between two batches,
 * beyond the new place and not yet at the old one. */
MWI_INLINE void put(struct mwi_timers *h, size_t i, struct entry x) {
  if (MWI_UNLIKELY(mwi_wb_on()) && (x.tagged & COLLECTED) != 0) mwi_shade(timer_of(x));
  *at(h, i) = x;
}

static void publish_next(struct mwi_timers *h) {
  mwi_store_release(&h->next, h->n == 0 ? INT64_MAX : at(h, 0)->when);
}

/* Put x where it belongs, on the path from place i to the root. */
static void sift_up(struct mwi_timers *h, size_t i, struct entry x) {
  while (i > 0) {
    size_t up = (i - 1) / 4;
    if (at(h, up)->when <= x.when) break;
    put(h, i, *at(h, up));
    i = up;
  }
  put(h, i, x);
}

/* The same, below place i. */
static void sift_down(struct mwi_timers *h, size_t i, struct entry x) {
  for (;;) {
    size_t c = 4 * i + 1;
    if (c >= h->n) break;
    const struct entry *e = at(h, c); /* four in a row: PAD */
    size_t some = h->n - c < 4 ? h->n - c : 4, least = 0;
    for (size_t k = 1; k < some; k++)
      if (e[k].when < e[least].when) least = k;
    if (e[least].when >= x.when) break;
    put(h, i, e[least]);
    i = c + least;
  }
  put(h, i, x);
}

static void grow(struct mwi_timers *h) {
  if (h->chunk == NULL) h->chunk = mwi_os.map(TABLE * sizeof *h->chunk);
  size_t k = (h->cap + PAD) >> CHUNK_SHIFT;
  struct entry *c = h->chunk != NULL && k < TABLE ? mwi_os.map(CHUNK * sizeof *c) : NULL;
  if (c == NULL) mwi_fatal("out of memory: %zu timers", h->n);
  h->chunk[k] = c;
  h->cap = ((k + 1) << CHUNK_SHIFT) - PAD;
}

/* x is the entry that its timer counts on [TM2]. */
static bool is_current(struct mwi_timers *h, struct entry x) {
  /* equal to h: then it changes only under h's lock, which is held */
  return mwi_load_acquire(&timer_of(x)->heap) == h && timer_of(x)->hint == x.when;
}

/* The timer's entry has left its heap. */
static void forget(struct mwi_timer *t) {
  t->hint = 0;
  mwi_store_release(&t->heap, NULL); /* pairs with the acquires in arm and ensure_entry */
}

/* Take the entry at place i out. */
static struct entry take(struct mwi_timers *h, size_t i) {
  struct entry x = *at(h, i), last = *at(h, --h->n);
  h->nroots -= x.tagged & COLLECTED;
  if (i == h->n) return x;
  if (i > 0 && at(h, (i - 1) / 4)->when > last.when)
    sift_up(h, i, last);
  else
    sift_down(h, i, last);
  return x;
}

/* Nobody wants x any more; then its timer is told.  A wish that comes just now
 * goes through this lock or finds heap NULL, and makes an entry of its own. */
static bool drop_if_stale(struct mwi_timers *h, struct entry x) {
  if (!is_current(h, x)) return true;
  if (mwi_load_acquire(&timer_of(x)->want) != 0) return false;
  forget(timer_of(x));
  return true;
}

static void clean_some(struct mwi_timers *h) {
  for (int k = 0; k < CLEAN_STEP && h->n > 0; k++) {
    if (h->clean_at >= h->n) h->clean_at = 0;
    if (drop_if_stale(h, *at(h, h->clean_at))) {
      (void)take(h, h->clean_at); /* another entry is there now: look at it next */
      mwi_add_relaxed(&h->stale, -1);
    } else {
      h->clean_at++;
    }
  }
}

static void push(struct mwi_timers *h, struct mwi_timer *t, int64_t when) {
  if (h->n >= FEW && mwi_load_relaxed(&h->stale) > (int64_t)(h->n / 4)) clean_some(h);
  if (h->n == h->cap) grow(h);
  h->nroots += t->collected;
  t->hint = when;
  sift_up(h, h->n++, (struct entry){when, (uintptr_t)t | (t->collected ? COLLECTED : 0)});
}

/* ---- Arm --------------------------------------------------------------- */

int64_t mwi_timer_deadline(int64_t ns) {
  int64_t now = mwi_os.nanotime(), when;
  if (ns < 0) ns = 0;
  return __builtin_add_overflow(now, ns, &when) || when > MWI_TIMER_FAR ? MWI_TIMER_FAR : when;
}

/* Give t an entry not later than `when`: in the heap that has one already,
 * else in `home`. */
static void ensure_entry(struct mwi_timer *t, int64_t when, struct mwi_timers *home) {
  for (;;) {
    struct mwi_timers *h = mwi_load_acquire(&t->heap);
    bool fresh = h == NULL;
    if (fresh) h = home;
    mwi_lock(&h->lock);
    struct mwi_timers *was = NULL;
    if (fresh ? !mwi_cas_acqrel(&t->heap, &was, h) : mwi_load_acquire(&t->heap) != h) {
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
  int64_t wanted = mwi_xchg_acqrel(&t->want, when);
  struct mwi_timers *h = mwi_load_acquire(&t->heap);
  if (wanted == 0 && h != NULL) mwi_add_relaxed(&h->stale, -1);
  ensure_entry(t, when, mwi_timers_mine());
  mwi_rt_leave();
}

void mwi_timer_disarm(struct mwi_timer *t) {
  if (mwi_load_relaxed(&t->want) == 0) return;
  mwi_store_release(&t->want, 0);
  struct mwi_timers *h = mwi_load_relaxed(&t->heap);
  if (h != NULL) mwi_add_relaxed(&h->stale, 1);
}

/* ---- The scheduler's side ---------------------------------------------- */

/* At most RUN_BATCH; the scheduler comes back for the rest. */
int mwi_timers_run(struct mwi_timers *h, int64_t now) {
  if (mwi_load_acquire(&h->next) > now) return 0;
  int ran = 0;
  mwi_rt_enter(); /* a timer taken out here is on nobody's stack: no stop before it has fired */
  mwi_lock(&h->lock);
  for (int i = 0; i < RUN_BATCH && h->n > 0 && at(h, 0)->when <= now; i++) {
    struct entry x = take(h, 0);
    struct mwi_timer *t = timer_of(x);
    bool current = is_current(h, x);
    if (current) {
      if ((x.tagged & COLLECTED) != 0) mwi_shade(t);
      forget(t);
    }
    int64_t want = current ? mwi_load_acquire(&t->want) : 0;
    if (want == 0) {
      mwi_add_relaxed(&h->stale, -1);
      continue;
    }
    publish_next(h);
    mwi_unlock(&h->lock);
    if (want <= now) {
      t->fire(t, now);
      ran++;
    } else {
      ensure_entry(t, want, h); /* it was put off */
    }
    mwi_lock(&h->lock);
  }
  if (h->n == 0) mwi_store_relaxed(&h->stale, 0);
  publish_next(h);
  mwi_unlock(&h->lock);
  mwi_rt_leave();
  return ran;
}

/* From the root down: a child is never due before its parent. */
int mwi_timers_due_by(struct mwi_timers *h, int64_t by, int most) {
  size_t due[MWI_TIMERS_COUNTED];
  mwi_assert(most <= MWI_TIMERS_COUNTED);
  if (most <= 0 || mwi_load_acquire(&h->next) > by) return 0;
  int n = 0;
  mwi_lock(&h->lock);
  if (h->n > 0 && at(h, 0)->when <= by) due[n++] = 0;
  for (int i = 0; i < n && n < most; i++)
    for (size_t c = 4 * due[i] + 1, end = c + 4; c < end && c < h->n && n < most; c++)
      if (at(h, c)->when <= by) due[n++] = c;
  mwi_unlock(&h->lock);
  return n;
}

void mwi_timers_move(struct mwi_timers *from, struct mwi_timers *to) {
  mwi_rt_enter();
  mwi_lock(&from->lock);
  while (from->n > 0) {
    struct entry x = take(from, from->n - 1); /* a leaf: no sifting */
    if (!is_current(from, x)) continue;
    struct mwi_timer *t = timer_of(x);
    forget(t);
    int64_t want = mwi_load_acquire(&t->want);
    if (want == 0) continue;
    publish_next(from);
    mwi_unlock(&from->lock);
    ensure_entry(t, want, to);
    mwi_lock(&from->lock);
  }
  mwi_store_relaxed(&from->stale, 0);
  publish_next(from);
  mwi_unlock(&from->lock);
  mwi_rt_leave();
}

void mwi_timers_forget_sleepers(struct mwi_timers *h) {
  mwi_lock(&h->lock);
  size_t n = h->n;
  h->n = h->nroots = 0;
  for (size_t i = 0; i < n; i++) {
    struct entry x = *at(h, i);
    if ((x.tagged & COLLECTED) == 0) {
      if (is_current(h, x)) forget(timer_of(x)); /* who called fork may use it again */
      continue;
    }
    h->nroots++;
    sift_up(h, h->n++, x); /* writes places up to h->n, which is not past i */
  }
  h->clean_at = 0;
  mwi_store_relaxed(&h->stale, 0);
  publish_next(h);
  mwi_unlock(&h->lock);
}

/* ---- The collector's side ---------------------------------------------- */

/* Entries for collected timers are roots, stale ones too, because the heap
 * will look at their timers.  A sleeping goroutine's timer is in a waiter, so
 * a heap of sleepers is skipped as a whole.  Entries that move while the lock
 * is dropped are shaded by put. */
void mwi_timers_scan(void (*scan)(const void *p, size_t bytes)) {
  /* acquire: pairs with the publication in mwi_timers_new */
  for (struct mwi_timers *h = mwi_load_acquire(&all_timers); h != NULL; h = h->all_next) {
    mwi_lock(&h->lock);
    for (size_t i = 0; h->nroots != 0 && i < h->n; i++) {
      struct mwi_timer *t = timer_of(*at(h, i));
      if ((at(h, i)->tagged & COLLECTED) != 0) scan(&t, sizeof t);
      if (i % SCAN_BATCH == SCAN_BATCH - 1) {
        mwi_unlock(&h->lock);
        mwi_lock(&h->lock);
      }
    }
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
  size_t roots = 0;
  for (size_t i = 0; i < h->n; i++) {
    if (i > 0 && at(h, (i - 1) / 4)->when > at(h, i)->when)
      mwi_fatal("timers: entry %zu is out of order", i);
    roots += at(h, i)->tagged & COLLECTED;
  }
  if (roots != h->nroots) mwi_fatal("timers: %zu roots, counted %zu", roots, h->nroots);
  if (mwi_load_relaxed(&h->next) != (h->n == 0 ? INT64_MAX : at(h, 0)->when))
    mwi_fatal("timers: next deadline is stale");
  mwi_unlock(&h->lock);
}
