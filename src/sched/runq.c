/* SPDX-License-Identifier: MIT */
/*
 * sched/runq.c -- run queues
 *
 * Job      A ring of 256 goroutines per processor and one global list.
 * How      The ring is single producer, many consumers (Go's runtime, after
 *          Chase and Lev's deque): the owner writes a slot and then releases
 *          the tail; a consumer reads slots and then claims them by moving the
 *          head with a compare-and-swap.  A full ring spills half to the
 *          global list.  `runnext` holds the goroutine readied last, which
 *          runs next and keeps a producer and its consumer on one processor.
 * Promise  [R1] A runnable goroutine is in exactly one of: a ring, runnext,
 *          the global list, a thread's hand.
 * Threads  put and get: the thread that holds p.  steal: any other, when its
 *          own ring is empty.
 */
#include "sched/proc.h"

void mwi_globq_put_locked(struct mwi_g *g) {
  struct mwi_sched *s = &mwi_sched;
  g->next = NULL;
  if (s->runq_tail)
    s->runq_tail->next = g;
  else
    s->runq_head = g;
  s->runq_tail = g;
  mwi_add_relaxed(&s->runq_size, 1);
}

void mwi_globq_put(struct mwi_g *g) {
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
}

static struct mwi_g *globq_pop_locked(void) {
  struct mwi_sched *s = &mwi_sched;
  struct mwi_g *g = s->runq_head;
  if (!g) return NULL;
  s->runq_head = g->next;
  if (!s->runq_head) s->runq_tail = NULL;
  mwi_add_relaxed(&s->runq_size, (uint32_t)-1);
  return g;
}

/* One to run, and a fair share of the rest for p's ring. */
struct mwi_g *mwi_globq_get_locked(struct mwi_p *p) {
  struct mwi_sched *s = &mwi_sched;
  uint32_t size = mwi_load_relaxed(&s->runq_size);
  if (!size) return NULL;
  uint32_t n = size / (uint32_t)s->nprocs + 1;
  if (n > MWI_RUNQ / 2) n = MWI_RUNQ / 2;
  struct mwi_g *g = globq_pop_locked();
  while (--n) {
    struct mwi_g *more = globq_pop_locked();
    if (!more) break;
    uint32_t h = mwi_load_acquire(&p->runq_head), t = mwi_load_relaxed(&p->runq_tail);
    if (t - h >= MWI_RUNQ) { /* ring full: back to the list */
      mwi_globq_put_locked(more);
      break;
    }
    mwi_store_relaxed(&p->runq[t % MWI_RUNQ], more);
    mwi_store_release(&p->runq_tail, t + 1); /* pairs with the acquire in grab */
  }
  return g;
}

/* Ring full: move half of it and g to the global list.  false: somebody took
 * some meanwhile, try the ring again. */
static bool put_slow(struct mwi_p *p, struct mwi_g *g, uint32_t h, uint32_t t) {
  struct mwi_g *batch[MWI_RUNQ / 2];
  uint32_t n = (t - h) / 2;
  for (uint32_t i = 0; i < n; i++) batch[i] = mwi_load_relaxed(&p->runq[(h + i) % MWI_RUNQ]);
  if (!mwi_cas_acqrel(&p->runq_head, &h, h + n)) return false;
  mwi_lock(&mwi_sched.lock);
  for (uint32_t i = 0; i < n; i++) mwi_globq_put_locked(batch[i]);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  return true;
}

void mwi_runq_put(struct mwi_p *p, struct mwi_g *g, bool next) {
  if (next) {
    g = mwi_xchg_acqrel(&p->runnext, g); /* a full barrier, too: wake_for_next in park.c */
    if (!g) return;
  }
  for (;;) {
    uint32_t h = mwi_load_acquire(&p->runq_head); /* pairs with consumers' CAS */
    uint32_t t = mwi_load_relaxed(&p->runq_tail);
    if (t - h < MWI_RUNQ) {
      mwi_store_relaxed(&p->runq[t % MWI_RUNQ], g);
      mwi_store_release(&p->runq_tail, t + 1); /* pairs with the acquire in grab */
      return;
    }
    if (put_slow(p, g, h, t)) return;
  }
}

/*
 * The one at h is taken.  What those behind it will touch first is to be on its way: for a
 * group of them at once, because what takes longest is the page tables' walk, for which a
 * prefetch waits, and walks for several go side by side.  Who was stolen meanwhile is
 * there still (records are never freed); sp is a hint then, and read in a race, as is outer.
 */
static void expect(struct mwi_p *p, uint32_t h, uint32_t t) {
  if (__has_feature(thread_sanitizer)) return;
  uint32_t end = t - h > MWI_EXPECTED ? h + 1 + MWI_EXPECTED : t;
  for (uint32_t i = h + 1; i != end; i++) {
    const struct mwi_g *g = mwi_load_relaxed(&p->runq[i % MWI_RUNQ]);
    uintptr_t sp = g->sp; /* a number: perhaps no address */
    for (int k = 0; k < MWI_NEAR_LINES; k++)
      __builtin_prefetch((const void *)(sp + (uintptr_t)(MWI_CACHE_LINE * k)), 1);
    uint32_t outer = g->outer;
    if (!outer) continue;
    /* below its frame pointer: what it keeps across calls */
    const char *frame = (const char *)(g->stack.hi - outer);
    __builtin_prefetch(frame - 1, 1);
    __builtin_prefetch(frame - 1 - MWI_CACHE_LINE, 1);
  }
  p->expected = end;
  for (uint32_t i = end; i != t && i - end < MWI_EXPECTED; i++) {
    const char *g = (const char *)mwi_load_relaxed(&p->runq[i % MWI_RUNQ]);
    __builtin_prefetch(g, 1);
    __builtin_prefetch(g + MWI_CACHE_LINE, 1);
  }
}

struct mwi_g *mwi_runq_get_ring(struct mwi_p *p) {
  for (;;) {
    uint32_t h = mwi_load_acquire(&p->runq_head);
    uint32_t t = mwi_load_relaxed(&p->runq_tail);
    if (t == h) return NULL;
    struct mwi_g *g = mwi_load_relaxed(&p->runq[h % MWI_RUNQ]);
    if (mwi_cas_acqrel(&p->runq_head, &h, h + 1)) {
      /* expected is in (h + 1, h + MWI_RUNQ], or behind */
      if (t - h > 1 && p->expected - (h + 2) >= MWI_RUNQ) expect(p, h, t);
      return g;
    }
  }
}

struct mwi_g *mwi_runq_get(struct mwi_p *p) {
  struct mwi_g *g = mwi_runq_get_next(p);
  return g ? g : mwi_runq_get_ring(p);
}

void mwi_runq_demote(struct mwi_p *p) {
  struct mwi_g *g = mwi_runq_get_next(p);
  if (!g) return;
  mwi_globq_put(g);
}

bool mwi_runq_empty(struct mwi_p *p) {
  /* A goroutine can move from runnext to the ring between two reads: take a
   * stable view. */
  for (;;) {
    uint32_t h = mwi_load_seqcst(&p->runq_head), t = mwi_load_seqcst(&p->runq_tail);
    struct mwi_g *next = mwi_load_seqcst(&p->runnext);
    if (t == mwi_load_seqcst(&p->runq_tail)) return h == t && !next;
  }
}

/* Move half of victim's ring into batch (p's ring from its tail t).  Returns
 * how many. */
static uint32_t grab(struct mwi_p *victim, struct mwi_p *p, uint32_t t, bool steal_next) {
  for (;;) {
    uint32_t h = mwi_load_acquire(&victim->runq_head);
    uint32_t vt = mwi_load_acquire(&victim->runq_tail); /* pairs with mwi_runq_put */
    uint32_t n = vt - h;
    n -= n / 2;
    if (!n) {
      struct mwi_g *g = steal_next ? mwi_load_relaxed(&victim->runnext) : NULL;
      if (!g) return 0;
      if (!mwi_cas_acqrel(&victim->runnext, &g, NULL)) continue;
      mwi_store_relaxed(&p->runq[t % MWI_RUNQ], g);
      return 1;
    }
    if (n > MWI_RUNQ / 2) continue; /* h and vt were read at different times */
    for (uint32_t i = 0; i < n; i++)
      mwi_store_relaxed(&p->runq[(t + i) % MWI_RUNQ],
                        mwi_load_relaxed(&victim->runq[(h + i) % MWI_RUNQ]));
    if (mwi_cas_acqrel(&victim->runq_head, &h, h + n)) return n;
  }
}

struct mwi_g *mwi_runq_steal(struct mwi_p *p, struct mwi_p *victim, bool steal_next) {
  uint32_t t = mwi_load_relaxed(&p->runq_tail);
  mwi_assert(t == mwi_load_relaxed(&p->runq_head)); /* room for half of victim's ring */
  uint32_t n = grab(victim, p, t, steal_next);
  if (!n) return NULL;
  n--;
  struct mwi_g *g = mwi_load_relaxed(&p->runq[(t + n) % MWI_RUNQ]);
  if (n) mwi_store_release(&p->runq_tail, t + n); /* pairs with the acquire in grab */
  return g;
}
