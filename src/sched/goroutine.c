/* SPDX-License-Identifier: MIT */
/*
 * sched/goroutine.c -- birth and death of goroutines
 *
 * Records (struct mwi_g) are metadata and never freed, only reused, so a
 * stale pointer to one is always readable; their number only grows.
 *
 * The dead keep their stacks, up to a number: a processor's own list, then one
 * for all, between which they move KEEP_BATCH at a time, since goroutines often
 * end on another processor than they began.  So short-lived goroutines take no
 * lock and write to no word of another processor's.  Beyond that stacks go back
 * (sched/stack.c) and records to a list of their own.  What has been kept for a
 * whole epoch (sched/fold.c) goes back as well.
 *
 * A goroutine for which no stack is kept gets one when it first runs, so that
 * a thousand which are started at once, and soon end, need few: those that ended
 * before it have left theirs, still in the cache.  The record that loses its stack
 * so is the processor's for the next birth.
 */
#include <string.h>

#include <mallow.h>

#include "gc/gc.h"
#include "sched/lend.h"
#include "sched/proc.h"
#include "sched/stack.h"

#if MW_STRESS
enum { KEEP = 4, KEEP_BATCH = 2, KEEP_ALL = 8, IDS = 2 };
#else
enum {
  KEEP = 64,       /* dead goroutines on a processor's list */
  KEEP_BATCH = 32, /* how many move between that and the list for all */
  KEEP_ALL = 512,  /* on that one */
  IDS = 32,        /* numbers that a processor takes at a time */
};
#endif
#define GO_STACK_MIN (16 * MWI_KB) /* smaller wishes: the runtime's own frames need room */

/*
 * Records live in chunks, found by index, so that the collector can snapshot
 * "all goroutines" as one number.  A chunk, once there, stays.
 */
static _Atomic(struct mwi_g *) chunks[MWI_MAX_GS / MWI_G_CHUNK];

struct mwi_g *mwi_g_at(uint32_t i) {
  struct mwi_g *chunk = mwi_load_acquire(&chunks[i / MWI_G_CHUNK]); /* pairs with g_alloc */
  return chunk ? &chunk[i % MWI_G_CHUNK] : NULL;
}

static struct mwi_g *g_alloc(void) {
  uint32_t i = mwi_add_acqrel(&mwi_sched.ng, 1);
  if (i >= MWI_MAX_GS) mwi_fatal("more than %u goroutines", MWI_MAX_GS);
  _Atomic(struct mwi_g *) *slot = &chunks[i / MWI_G_CHUNK];
  struct mwi_g *chunk = mwi_load_acquire(slot);
  if (!chunk) {
    mwi_lock(&mwi_sched.lock);
    chunk = mwi_load_relaxed(slot);
    if (!chunk) {
      chunk = mwi_meta_alloc(MWI_G_CHUNK * sizeof *chunk, 64);
      mwi_store_release(slot, chunk);
    }
    mwi_unlock(&mwi_sched.lock);
  }
  return &chunk[i % MWI_G_CHUNK];
}

struct mwi_g *mwi_g_record(void) {
  struct mwi_g *g = NULL;
  if (mwi_load_relaxed(&mwi_sched.nrecords)) {
    mwi_lock(&mwi_sched.lock);
    if ((g = mwi_sched.records)) {
      mwi_sched.records = g->next;
      mwi_add_relaxed(&mwi_sched.nrecords, (uint32_t)-1);
    }
    mwi_unlock(&mwi_sched.lock);
  }
  return g ? g : g_alloc();
}

void mwi_g_record_put(struct mwi_g *g) {
  mwi_lock(&mwi_sched.lock);
  g->next = mwi_sched.records;
  mwi_sched.records = g;
  mwi_add_relaxed(&mwi_sched.nrecords, 1);
  mwi_unlock(&mwi_sched.lock);
}

/* ---- The dead with their stacks ---------------------------------------- */

static MWI_NOINLINE struct mwi_g *kept_refill(struct mwi_p *p) {
  if (!mwi_load_relaxed(&mwi_sched.nkept)) return NULL;
  mwi_lock(&mwi_sched.lock);
  uint32_t n = 0;
  for (struct mwi_g *g; n < KEEP_BATCH && (g = mwi_sched.kept); n++) {
    mwi_sched.kept = g->next;
    g->next = p->kept;
    p->kept = g;
  }
  mwi_add_relaxed(&mwi_sched.nkept, -n);
  mwi_unlock(&mwi_sched.lock);
  p->nkept += n;
  return p->kept;
}

/* g is dead. */
static void give_up_stack(struct mwi_g *g) {
  mwi_stack_drop(g);
  mwi_g_record_put(g);
}

static struct mwi_g *kept_take(struct mwi_p *p) {
  struct mwi_g *g;
  while ((g = p->kept) || (g = kept_refill(p))) {
    p->kept = g->next;
    p->nkept--;
    if (MWI_LIKELY(mwi_stack_fits(&g->stack))) return g;
    give_up_stack(g); /* from when there were more goroutines, or another limit */
  }
  return NULL;
}

bool mwi_kept_stack(struct mwi_stack *out) {
  struct mwi_p *p = mwi_tcb()->p;
  struct mwi_g *dead = kept_take(p);
  if (!dead) return false;
  *out = dead->stack;
  dead->stack = (struct mwi_stack){0}; /* the owner changes with mwi_stack_own */
  if (p->nbare < KEEP) {
    dead->next = p->bare;
    p->bare = dead;
    p->nbare++;
  } else {
    mwi_g_record_put(dead);
  }
  return true;
}

/* A record without a stack, of p's own if there is one. */
static struct mwi_g *bare_take(struct mwi_p *p) {
  struct mwi_g *g = p ? p->bare : NULL;
  if (!g) return mwi_g_record();
  p->bare = g->next;
  p->nbare--;
  return g;
}

static bool can_keep(const struct mwi_p *p, const struct mwi_g *g) {
  return p && p->nkept < KEEP && mwi_stack_fits(&g->stack) && !mwi_load_relaxed(&mwi_stacks_short);
}

/* Half of p's list to the list for all, or to the end of their time. */
static MWI_NOINLINE void kept_spill(struct mwi_p *p) {
  struct mwi_g *first = p->kept, *last = first;
  for (int i = 1; i < KEEP_BATCH; i++) last = last->next;
  p->kept = last->next;
  p->nkept -= KEEP_BATCH;
  last->next = NULL;
  bool full = true;
  mwi_lock(&mwi_sched.lock);
  if (mwi_load_relaxed(&mwi_sched.nkept) < KEEP_ALL) {
    full = false;
    last->next = mwi_sched.kept;
    mwi_sched.kept = first;
    mwi_add_relaxed(&mwi_sched.nkept, KEEP_BATCH);
  }
  mwi_unlock(&mwi_sched.lock);
  for (struct mwi_g *g = first, *next; full && g; g = next) {
    next = g->next;
    give_up_stack(g);
  }
}

/* Lists put aside at an epoch's beginning: one for each processor, and that for
 * all.  Written with the world stopped, if empty; emptied by one goroutine. */
static struct mwi_g *aged[MWI_MAX_PROCS + 1];
static _Atomic uint32_t naged;

void mwi_kept_age_stw(void) {
  if (mwi_load_acquire(&naged)) return; /* not yet done with the last ones */
  uint32_t n = 0;
  for (int i = 0; i < mwi_sched.nprocs; i++) {
    struct mwi_p *p = mwi_sched.procs[i];
    if (!p->kept) continue;
    aged[n++] = p->kept;
    p->kept = NULL;
    p->nkept = 0;
  }
  mwi_lock(&mwi_sched.lock);
  if (mwi_sched.kept) aged[n++] = mwi_sched.kept;
  mwi_sched.kept = NULL;
  mwi_store_relaxed(&mwi_sched.nkept, 0);
  mwi_unlock(&mwi_sched.lock);
  mwi_store_release(&naged, n);
}

bool mwi_kept_aged(void) {
  return mwi_load_relaxed(&naged) != 0;
}

bool mwi_kept_drop(void) {
  uint32_t n = mwi_load_acquire(&naged); /* pairs with mwi_kept_age_stw */
  if (!n) return false;
  mwi_rt_enter(); /* a stop may write aged when naged is 0, not before */
  for (int i = 0; i < KEEP_BATCH && aged[n - 1]; i++) {
    struct mwi_g *g = aged[n - 1];
    aged[n - 1] = g->next;
    give_up_stack(g);
  }
  if (!aged[n - 1]) mwi_store_release(&naged, n - 1);
  mwi_rt_leave();
  return true;
}

/* ---- Birth and death --------------------------------------------------- */

static uint64_t new_id(struct mwi_p *p) {
  if (!p) return mwi_add_relaxed(&mwi_sched.gid, 1) + 1;
  if (p->next_id == p->end_id) {
    p->next_id = mwi_add_relaxed(&mwi_sched.gid, IDS) + 1;
    p->end_id = p->next_id + IDS;
  }
  return p->next_id++;
}

/* Births less deaths here; only the sum over all processors means something. */
static void count(struct mwi_p *p, int32_t change) {
  if (p)
    mwi_store_relaxed(&p->ngoroutines, mwi_load_relaxed(&p->ngoroutines) + change);
  else
    mwi_add_relaxed(&mwi_sched.ngoroutines, change);
}

MWI_EXPORT int mw_num_goroutine(void) {
  if (MWI_UNLIKELY(mwi_fork_unfinished()) && mwi_tcb()->rt == 0) mwi_attach();
  int32_t n = mwi_load_relaxed(&mwi_sched.ngoroutines);
  /* Those past GOMAXPROCS, too: it may have been larger. */
  for (int i = 0; i < MWI_MAX_PROCS && mwi_sched.procs[i]; i++)
    n += mwi_load_relaxed(&mwi_sched.procs[i]->ngoroutines);
  return n < 0 ? 0 : n; /* births and deaths went on meanwhile */
}

struct mwi_g *mwi_g_new_try(void (*fn)(void *), void *arg, size_t stack_bytes, bool system) {
  if (mwi_sched.main_g) mwi_sysmon_need(); /* not for main itself */
  struct mwi_p *p = mwi_tcb()->p;
  struct mwi_g *g = p && !stack_bytes ? kept_take(p) : NULL;
  bool has_stack = g || stack_bytes;
  if (!g) {
    struct mwi_stack stack = {0};
    if (stack_bytes && !mwi_stack_take(&stack, stack_bytes)) return NULL;
    g = bare_take(p);
    g->stack = stack;
    if (stack_bytes) mwi_stack_own(&g->stack, g);
  }
  mwi_g_clear(g);
  g->arg = arg;
  g->system = system;
  g->id = new_id(p);
  g->start_pc = (uintptr_t)fn;
  struct mwi_g *creator = mwi_getg();
  g->creator_id = creator ? creator->id : 0;
  g->sp = has_stack ? mwi_switch_prepare(g->stack.hi) : 0;
  mwi_store_relaxed(&g->rest, has_stack ? 0 : MWI_REST_NEW);
  /* arg travels in the record, which is scanned with the stack; what arrives
   * during marking in a goroutine scanned before it ran must not be lost. */
  mwi_shade(arg);
  if (!system) count(p, 1);
  mwi_store_release(&g->status, MWI_G_RUNNABLE); /* pairs with scanners' acquire */
  return g;
}

static void start(void (*fn)(void *), void *arg, size_t bytes, uintptr_t pc) {
  mwi_attach();
  if (!fn) mwi_fatal("go of nil func value");
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_sched.single))) mwi_store_seqcst(&mwi_sched.single, false);
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_stacks_short))) mwi_stacklimit_wait(); /* [ML4] */
  if (MWI_UNLIKELY(mwi_getg()->pins)) mwi_unpin(mwi_getg(), MWI_PIN_ALONE);
  mwi_rt_enter();
  struct mwi_g *g = mwi_g_new_try(fn, arg, bytes, false);
  if (!g) mwi_stack_none();
  g->creator_pc = pc;
  struct mwi_p *p = mwi_tcb()->p;
  mwi_runq_put(p, g, true);
  mwi_wake_for_new();
  mwi_rt_leave();
}

MWI_EXPORT void mw_go(void (*fn)(void *), void *arg) {
  start(fn, arg, 0, (uintptr_t)__builtin_return_address(0));
}

MWI_EXPORT void mw_go_stack(void (*fn)(void *), void *arg, size_t bytes) {
  size_t max = mwi_stack_max();
  if (bytes > max) mwi_fatal("mw_go_stack: %zu bytes asked, the limit is %zu", bytes, max);
  if (bytes < GO_STACK_MIN) bytes = max < GO_STACK_MIN ? max : GO_STACK_MIN;
  start(fn, arg, bytes, (uintptr_t)__builtin_return_address(0));
}

/* ---- The first and last frames of a goroutine -------------------------- */

/* Its stack is nobody's from here: it may be the next one's already. */
static bool die(struct mwi_g *g, void *unused) {
  (void)unused;
  struct mwi_p *p = mwi_tcb()->p;
  g->arg = NULL;
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_DEAD);
  /* From here no collection looks at its stack, and then it is no longer counted: who has seen the
   * number fall and collects finds what only that stack kept. */
  if (!g->system) count(p, -1);
  if (can_keep(p, g)) {
    g->next = p->kept;
    p->kept = g;
    p->nkept++;
  } else {
    give_up_stack(g);
    if (p && p->nkept >= KEEP) kept_spill(p);
  }
  mwi_exit_if_empty();
  return true;
}

/* In a forked child: g ran, or waited, in the parent only. */
void mwi_g_bury(struct mwi_g *g) {
  bool has_stack = !g->foreign;
  g->foreign = g->locked = false;
  g->m = NULL;
  g->arg = NULL;
  mwi_store_relaxed(&g->status, MWI_G_DEAD);
  if (!g->system) count(NULL, -1);
  if (has_stack)
    give_up_stack(g);
  else
    mwi_g_record_put(g);
}

MWI_EXPORT _Noreturn void mw_goexit(void) {
  mwi_attach();
  struct mwi_g *g = mwi_getg();
  if (g->foreign) mwi_fatal("mw_goexit called on a thread that is not a goroutine");
  mwi_lend_leave(g, UINTPTR_MAX);
  /* A list that is full is dealt with on the loop's stack. */
  mwi_leave(die, can_keep(mwi_tcb()->p, g) && !mwi_load_relaxed(&mwi_sched.exit_when_empty));
}

#define WIPED_BYTES 4096 /* the frames of a wait need some hundred */
MWI_NOINLINE void mwi_stack_wipe_below(void) {
  char below[WIPED_BYTES];
  memset(below, 0, sizeof below);
  mw_keep_alive(below);
}

void mwi_goroutine_main(void) {
  struct mwi_g *g = mwi_getg();
  mwi_settle();
  /* The runtime's own come and go unasked, on stacks of the program's goroutines that have
   * ended, and some rest for ever.  Before a stop can be: its frames have holes, where what such a
   * goroutine had left would be found. */
  if (MWI_UNLIKELY(g->system)) mwi_stack_wipe_below();
  mwi_rt_leave(); /* the switch ran inside mwi_rt_enter */
  void *arg = g->arg;
  g->arg = NULL; /* from here the stack keeps it, as long as the function does */
  ((void (*)(void *))g->start_pc)(arg);
  mw_goexit();
}
