/* SPDX-License-Identifier: MIT */
/*
 * sched/fold.c -- stacks of parked goroutines: shrunk, folded, unfolded
 *
 * Job      A goroutine that stayed parked through whole collections costs what
 *          it uses: the used bytes of its stack move to a compact buffer
 *          (foldmem.c) and its memory, page tables included where all
 *          neighbours are idle, goes back to the OS.  When it resumes, they
 *          are copied back to the same addresses.  Others that do not run
 *          give back the pages below their stack pointer.
 * Promise  [L1] Only a goroutine that does not run is folded, by a thread that
 *          holds its scan bit.  Its copy is locked (BUSY in g->fold) by whoever
 *          reads or removes it: the thread that resumes the goroutine, one
 *          that faults on its stack, the collector.  So its words are in one
 *          place for each of them: mwi_stack_borrow says where.
 *          [L2] A folded stack faults.  The handler unfolds it and the access
 *          happens: nothing is read stale, and no write is lost, because the
 *          memory is read-only from before the copy is made.  (Of several
 *          threads that touch one folded stack at the same moment, those that
 *          do not unfold it may come before the copy: a race that only
 *          pointers hidden from the compiler can have.)
 *          [L3] No frame of external code is folded (they stay on their threads,
 *          [X1]), because the kernel may be reading or writing its locals for
 *          it, and a system call that meets a folded page fails instead of
 *          faulting.
 *          [L4] Nor one that a system call of compiled code uses (sched/lend.c).
 * How      The scan of a parked goroutine notes that it was seen; a scan in a
 *          later epoch (100 ms, or mw_gc) finds that it has not run since and
 *          makes it due.  After the cycle a goroutine of the runtime walks the
 *          blocks of slots and folds what is due: all of a block at once (two
 *          system calls for 16 goroutines) where every resident stack of it
 *          is due, else one by one (four for each).
 *          Folding is not worth it where it would save less than a fifth, so
 *          up to three pages are folded and larger stacks only shrink.
 *          In a cycle that squeezes (gc/stacklimit.c) every one at rest is due.
 * Callers  collector (scanned, epoch), scheduler (resume, parked), SIGSEGV.
 * Threads  g->rest, g->scans, g->rest_epoch: whoever has the goroutine to
 *          itself: the thread that resumes it, or the holder of its scan bit.
 *          Elsewhere rest is read as a hint.  Scan bits are in use while the
 *          walk is under way: the stop that ends marking leaves tcb->scan set
 *          for it, and the walk clears it.
 * Rejected mremap of the page to a dense place: its mapping could never merge
 *          again.  userfaultfd: needs a permission that containers lack, and
 *          system calls fail on such memory anyway.
 * Next     docs/design/stacks.md
 */
#include <errno.h>

#include <mallow.h>

#include "base/knobs.h"
#include "gc/gc.h"
#include "gc/pacer.h"
#include "sched/proc.h"
#include "sched/stack.h"

#define PAGE ((uintptr_t)4096)

#if MW_STRESS
#define EPOCH_NS 0 /* each collection is one */
#else
#define EPOCH_NS 100000000 /* a goroutine that runs ten times a second is not idle */
#endif
#define SHRINK_SCANS 4         /* how many scans a busy goroutine keeps its deepest pages */
#define SHRINK_KEEP (2 * PAGE) /* of a busy one, below its stack pointer */
#define BLOCKS_A_TURN 16       /* of the walk, before others run: some 300 us */

static _Atomic uint32_t epoch; /* written with the world stopped */
static int64_t epoch_ns;       /* the same */
static _Atomic uint32_t ndue;  /* a walk has something to do; until one takes it, scan bits stay */
static _Atomic uint32_t tidying, later, walking;
static bool bits_always; /* constant after init: scan bits are in use at all times */
static _Atomic uint64_t nfolds, nunfolds, nfaults;
static _Atomic uint64_t folded_bytes;
_Atomic bool mwi_fold_at_park;
bool (*mwi_faults_reach_us)(void);

/* ---- What a stack is --------------------------------------------------- */

enum { BUSY = 1 }; /* in g->fold, whose buffers are 16-aligned */

struct mwi_stack_view mwi_stack_view(const struct mwi_g *g) {
  uintptr_t copy = mwi_load_acquire(&g->fold) & ~(uintptr_t)BUSY; /* pairs with copy_out */
  if (mwi_load_relaxed(&g->rest) & MWI_REST_NEW) return (struct mwi_stack_view){0, 0};
  if (copy) return (struct mwi_stack_view){copy, copy + (g->stack.hi - g->sp)};
  return (struct mwi_stack_view){g->sp, g->stack.hi};
}

static void wait_a_little(uint32_t n) {
  if (n < 100)
    mwi_pause();
  else
    mwi_os_yield();
}

/* Lock the copy.  0: there is none. */
static uintptr_t claim(struct mwi_g *g) {
  for (uint32_t n = 0;; n++) {
    uintptr_t copy = mwi_load_acquire(&g->fold); /* pairs with the releases that unlock */
    if (!copy) return 0;
    if (!(copy & BUSY) && mwi_cas_acqrel(&g->fold, &copy, copy | BUSY)) return copy;
    wait_a_little(n);
  }
}

struct mwi_stack_view mwi_stack_borrow(struct mwi_g *g) {
  claim(g);
  return mwi_stack_view(g);
}

void mwi_stack_return(struct mwi_g *g) {
  uintptr_t copy = mwi_load_relaxed(&g->fold);
  if (copy) mwi_store_release(&g->fold, copy & ~(uintptr_t)BUSY); /* pairs with claim */
}

/* [L3]; on the switch's frame is mwi_park's frame pointer. */
static bool ours_only(const struct mwi_g *g) {
  uintptr_t fp = *(const uintptr_t *)(g->sp + MWI_SWITCH_RBP);
  return fp == 0 || !mwi_external_below(fp, g->stack.hi);
}

static bool worth_folding(const struct mwi_g *g) {
  size_t used = g->stack.hi - g->sp;
  size_t saved = g->stack.hi - mwi_align_down(g->sp, PAGE) - used;
  if (g->foreign || g->locked || used > MWI_FOLD_MAX) return false;
  if (mwi_load_seqcst(&g->lent) || mwi_load_seqcst(&mwi_lent_many)) return false; /* [L4] */
  return (mwi_load_relaxed(&mwi_fold_at_park) || saved >= used / 4) && ours_only(g);
}

/* ---- The scan bit ------------------------------------------------------ */

static bool hold(struct mwi_g *g, uint32_t status) {
  return mwi_load_relaxed(&g->status) == status &&
         mwi_cas_seqcst(&g->status, &status, status | MWI_G_SCAN); /* as in gchooks.c; [L4] */
}
static void let_go(struct mwi_g *g, uint32_t status) {
  mwi_store_release(&g->status, status); /* pairs with mwi_g_transition's CAS */
}

/* ---- Fold and unfold --------------------------------------------------- */

static bool copy_out(struct mwi_g *g) {
  size_t used = g->stack.hi - g->sp;
  void *copy = mwi_foldmem_alloc(used);
  if (!copy) return false;
  memcpy(copy, (const void *)g->sp, used);
  /* release: the copy is complete, and the stack is destroyed after this.  BUSY
   * until that has happened. */
  mwi_store_release(&g->fold, (uintptr_t)copy | BUSY);
  return true;
}

static void forget_copy(struct mwi_g *g) {
  uintptr_t copy = mwi_load_relaxed(&g->fold);
  mwi_store_release(&g->fold, 0); /* pairs with claim: the stack is there */
  if (copy) mwi_foldmem_free((void *)(copy & ~(uintptr_t)BUSY));
}

static void folded(struct mwi_g *g) {
  mwi_store_relaxed(&g->rest, MWI_REST_FOLDED);
  mwi_add_relaxed(&nfolds, 1);
  mwi_add_relaxed(&folded_bytes, g->stack.hi - g->sp);
  mwi_stack_return(g); /* from here it may be unfolded */
}

/* g's bit is held, and worth_folding has been asked since.  false: it stays as it is. */
static bool fold(struct mwi_g *g) {
  uintptr_t from = mwi_align_down(g->sp, PAGE);
  if (!mwi_slot_freeze(&g->stack, from)) return false;
  if (!copy_out(g)) {
    mwi_slot_thaw(&g->stack, from);
    return false;
  }
  if (!mwi_slot_close(&g->stack, from)) {
    forget_copy(g);
    return false;
  }
  folded(g);
  return true;
}

/* The copy is claimed, and the goroutine does not run. */
static void unfold(struct mwi_g *g, uintptr_t copy) {
  if (!mwi_slot_open(&g->stack))
    mwi_fatal("out of memory: no room to unfold a goroutine's stack (%zu in memory, "
              "%u mappings; see vm.max_map_count)",
              mwi_stack_resident_slots(), mwi_stack_bounds());
  size_t used = g->stack.hi - g->sp;
  memcpy((void *)g->sp, (const void *)copy, used);
  forget_copy(g);
  mwi_add_relaxed(&nunfolds, 1);
  mwi_add_relaxed(&folded_bytes, -(uint64_t)used);
}

static void shrink(struct mwi_g *g, size_t keep) {
  if (g->sp - g->stack.lo > keep) mwi_slot_trim(&g->stack, mwi_align_down(g->sp - keep, PAGE));
}

void mwi_stack_bring_back(struct mwi_g *g) {
  mwi_assert(mwi_load_seqcst(&g->lent) || mwi_load_seqcst(&mwi_lent_many)); /* [L4] */
  /* Whoever has the bit may have looked at g->lent too early; later ones see it. */
  for (uint32_t n = 0; mwi_load_seqcst(&g->status) & MWI_G_SCAN; n++) wait_a_little(n);
  uintptr_t copy = claim(g);
  if (copy) unfold(g, copy);
}

/* ---- The scheduler's side ---------------------------------------------- */

void mwi_stack_resume(struct mwi_g *g) {
  uint8_t rest = mwi_load_relaxed(&g->rest);
  uintptr_t copy;
  if (rest & MWI_REST_NEW) {
    struct mwi_stack s;
    if (!mwi_kept_stack(&s) && !mwi_stack_take(&s, 0)) mwi_stack_none();
    g->stack = s;
    mwi_stack_own(&s, g);
    g->sp = mwi_switch_prepare(s.hi);
  } else if (rest & MWI_REST_FOLDED) {
    if ((copy = claim(g))) unfold(g, copy); /* else an access was faster */
  } else if (rest & MWI_REST_SHRINK) {
    shrink(g, SHRINK_KEEP);
  }
  mwi_store_relaxed(&g->rest, 0);
}

void mwi_stack_drop(struct mwi_g *g) {
  struct mwi_stack s = g->stack;
  uintptr_t copy = s.hi ? claim(g) : 0;
  if (copy) {
    mwi_add_relaxed(&folded_bytes, -(uint64_t)(s.hi - g->sp));
    forget_copy(g);
  }
  g->stack = (struct mwi_stack){0};
  mwi_store_relaxed(&g->rest, 0);
  if (copy)
    mwi_stack_put_closed(&s);
  else if (s.hi)
    mwi_stack_put(&s);
}

/* It parked a moment ago on the calling thread, and may be anywhere by now. */
void mwi_fold_parked(struct mwi_g *g) {
  uint32_t status = mwi_load_relaxed(&g->status);
  if (!mwi_scan_bits_on() || (status != MWI_G_WAITING && status != MWI_G_RUNNABLE)) return;
  if (!mwi_faults_reach_us || !mwi_faults_reach_us() || !hold(g, status)) return;
  if (!(mwi_load_relaxed(&g->rest) & MWI_REST_NEW) && !mwi_load_relaxed(&g->fold) &&
      g->sp - g->stack.lo <= g->stack.hi - g->stack.lo && worth_folding(g))
    fold(g);
  let_go(g, status);
}

/* ---- The collector's side ---------------------------------------------- */

void mwi_stack_epoch_stw(bool forced) {
  int64_t now = mwi_os_monotonic();
  bool squeezes = mwi_stacklimit_begin_stw();
  if (!forced && !squeezes && now - epoch_ns < EPOCH_NS) return;
  epoch_ns = now;
  mwi_store_relaxed(&epoch, mwi_load_relaxed(&epoch) + 1);
  mwi_kept_age_stw();
}

bool mwi_fold_needs_bits(void) {
  return bits_always || mwi_load_relaxed(&ndue) || mwi_load_relaxed(&walking);
}

/* Is it to give back what is below its stack pointer?  Always, where memory is short. */
static bool scans_up(struct mwi_g *g) {
  if (mwi_load_relaxed(&mwi_squeeze)) return true;
  if (++g->scans < SHRINK_SCANS) return false;
  g->scans = 0;
  return true;
}

void mwi_stack_scanned(struct mwi_g *g) {
  uint8_t rest = mwi_load_relaxed(&g->rest), was = rest;
  if ((rest & MWI_REST_FOLDED) && !mwi_load_relaxed(&g->fold)) rest = 0; /* unfolded by an access */
  if (g->foreign || g->locked ||
      (rest & (MWI_REST_NEW | MWI_REST_FOLDED | MWI_REST_IDLE | MWI_REST_KEPT)))
    return;
  uint16_t now = (uint16_t)mwi_load_relaxed(&epoch);
  if ((mwi_load_relaxed(&g->status) & ~(uint32_t)MWI_G_SCAN) == MWI_G_WAITING) {
    if (!(rest & MWI_REST_SEEN)) {
      rest |= MWI_REST_SEEN;
      g->rest_epoch = now;
    } else if (g->rest_epoch != now) {
      rest |= MWI_REST_IDLE;
    }
    if (mwi_load_relaxed(&mwi_squeeze) >= MWI_SQUEEZE_FOLD) rest |= MWI_REST_IDLE;
  }
  if (scans_up(g)) rest |= MWI_REST_SHRINK;
  if (rest == was) return;
  mwi_store_relaxed(&g->rest, rest);
  /* release: pairs with the exchange in walk_begins */
  if (rest & (MWI_REST_IDLE | MWI_REST_SHRINK)) mwi_store_release(&ndue, 1);
}

void mwi_stack_scanned_running(struct mwi_g *g) {
  if (!g->foreign && !g->locked && scans_up(g))
    mwi_store_relaxed(&g->rest, mwi_load_relaxed(&g->rest) | MWI_REST_SHRINK);
}

/* ---- The walk ---------------------------------------------------------- */

struct held {
  uint32_t n;
  struct mwi_g *g[MWI_BLOCK_SLOTS];
};

static bool copy_all(void *arg) {
  struct held *h = arg;
  for (uint32_t i = 0; i < h->n; i++)
    if (!copy_out(h->g[i])) return false;
  return true;
}

static void fold_block(const struct mwi_block_view *b, struct held *h) {
  if (b->n > 1 && mwi_block_close(b, h->n, copy_all, h)) {
    for (uint32_t i = 0; i < h->n; i++) {
      folded(h->g[i]);
      let_go(h->g[i], MWI_G_WAITING);
    }
    return;
  }
  for (uint32_t i = 0; i < h->n; i++) {
    struct mwi_g *g = h->g[i];
    forget_copy(g);
    if (!fold(g)) mwi_store_relaxed(&g->rest, MWI_REST_KEPT);
    let_go(g, MWI_G_WAITING);
  }
}

static void tidy_block(const struct mwi_block_view *b, bool may_fold) {
  struct held h = {0};
  for (uint32_t i = 0; i < b->n; i++) {
    struct mwi_g *g = b->owner[i];
    if (!g || !(mwi_load_relaxed(&g->rest) & (MWI_REST_IDLE | MWI_REST_SHRINK))) continue;
    if (!hold(g, MWI_G_WAITING)) {
      /* A cycle that began meanwhile scans it, or did a moment ago: it is due still. */
      if ((mwi_load_relaxed(&g->status) & ~(uint32_t)MWI_G_SCAN) == MWI_G_WAITING)
        mwi_store_relaxed(&ndue, 1);
      continue;
    }
    uint8_t rest = mwi_load_relaxed(&g->rest);
    bool still = !g->locked && g->stack.hi && mwi_block_has(b, i, &g->stack);
    if (still && (rest & MWI_REST_IDLE) && may_fold && worth_folding(g)) {
      h.g[h.n++] = g;
      continue;
    }
    if (still && (rest & MWI_REST_IDLE)) {
      shrink(g, 0);
      mwi_store_relaxed(&g->rest, MWI_REST_KEPT);
    } else if (still && (rest & MWI_REST_SHRINK)) {
      shrink(g, mwi_load_relaxed(&mwi_squeeze) ? 0 : SHRINK_KEEP);
      mwi_store_relaxed(&g->rest, rest & ~MWI_REST_SHRINK);
    }
    let_go(g, MWI_G_WAITING);
  }
  if (h.n) fold_block(b, &h);
}

/* Take what is due, and with it leave to use scan bits until walk_ends; or there is nothing.  No
 * stop comes between the look and the marks: one that ends a cycle there would see nothing due,
 * take the bits away, and what was due would never be again (mwi_stack_scanned). */
static bool walk_begins(void) {
  mwi_rt_enter();
  bool due = mwi_load_relaxed(&ndue);
  mwi_assert(!due || mwi_scan_bits_on());
  if (due) {
    mwi_store_relaxed(&walking, 1); /* mwi_fold_needs_bits */
    /* An exchange, so that nothing of the walk is read before: a scan whose ndue this takes has
     * stored g->rest, and the walk must see that.  acquire: pairs with mwi_stack_scanned */
    (void)mwi_xchg_acqrel(&ndue, 0);
  }
  mwi_rt_leave();
  return due;
}

static void walk_ends(void) {
  mwi_lock(&mwi_sched.allm_lock);
  mwi_store_relaxed(&walking, 0);
  if (!mwi_gc_wb_state() && !mwi_fold_needs_bits()) {
    /* A thread that sees it late uses atomics in vain.  Marking sets it again
     * with the world stopped, and this thread with it. */
    mwi_sched.scan_bits = false;
    for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) mwi_store_relaxed(&m->tcb.scan, 0);
  }
  mwi_unlock(&mwi_sched.allm_lock);
}

static void walk(void) {
  if (!walk_begins()) return;
  bool may_fold = mwi_faults_reach_us && mwi_faults_reach_us();
  struct mwi_block_cursor at = {0};
  for (int n = 1;; n++) {
    struct mwi_block_view b;
    mwi_rt_enter(); /* goroutines are held: no stop here */
    bool more = mwi_block_next(&at, &b);
    if (more) tidy_block(&b, may_fold);
    mwi_rt_leave();
    if (!more) break;
    mwi_poll();
    if (n % BLOCKS_A_TURN == 0) mwi_yield();
  }
  walk_ends();
}

void mwi_stacks_tidy(void) {
  mwi_attach();
  while (mwi_xchg_acqrel(&tidying, 1)) { /* acquire: what the other one did is seen */
    mwi_yield();
    mwi_attach();
  }
  walk();
  while (mwi_kept_drop() || mwi_stack_age_some()) mwi_poll();
  mwi_stack_age();
  while (mwi_load_relaxed(&mwi_squeeze) && mwi_stack_age_some()) mwi_poll(); /* all of them */
  mwi_store_release(&tidying, 0);
  mwi_stacklimit_tidied();
}

static void tidy_goroutine(void *unused) {
  (void)unused;
  mwi_store_relaxed(&later, 0);
  mwi_stacks_tidy();
}

void mwi_stacks_tidy_later(void) {
  struct mwi_p *p = mwi_tcb()->p;
  bool squeeze = mwi_load_relaxed(&mwi_squeeze) != 0;
  if (!p || (!squeeze && !mwi_load_relaxed(&ndue) && !mwi_kept_aged() && !mwi_stack_any_free()))
    return;
  if (mwi_xchg_acqrel(&later, 1)) return; /* it has not begun */
  mwi_rt_enter();
  struct mwi_g *g = mwi_g_new_try(tidy_goroutine, NULL, 0, true);
  mwi_runq_put(p, g, squeeze); /* memory is short: next */
  mwi_rt_leave();
  mwi_wake_p();
}

/* ---- Faults ------------------------------------------------------------ */

/* The same access keeps faulting: something else is wrong with it. */
static bool too_often(uintptr_t addr) {
  static _Atomic uintptr_t last;
  static _Atomic uint32_t times; /* races only delay the verdict */
  if (mwi_load_relaxed(&last) != addr) {
    mwi_store_relaxed(&last, addr);
    mwi_store_relaxed(&times, 0);
  }
  return mwi_add_relaxed(&times, 1) > 10000;
}

bool mwi_stack_fault(uintptr_t addr) {
  struct mwi_g *g;
  bool resolved = false;
  mwi_rt_enter();
  int saved = errno;
  for (uint32_t n = 0; (g = mwi_stack_owner(addr)) && addr >= g->stack.lo; n++) {
    uintptr_t copy = mwi_load_acquire(&g->fold); /* as in claim */
    if (copy && !(copy & BUSY) && mwi_cas_acqrel(&g->fold, &copy, copy | BUSY)) {
      unfold(g, copy);
      mwi_add_relaxed(&nfaults, 1);
      resolved = true;
      break;
    }
    /* Is it being folded (read-only already) or unfolded? */
    if (!copy && !(mwi_load_acquire(&g->status) & MWI_G_SCAN)) break;
    wait_a_little(n);
  }
  /* Not folded, but it ought to be accessible: another thread was faster. */
  if (!resolved && g && addr >= g->stack.lo) resolved = !too_often(addr);
  errno = saved;
  mwi_rt_leave();
  return resolved;
}

/* ---- Numbers, start-up ------------------------------------------------- */

void mwi_fold_read_stats(struct mwi_fold_stats *out) {
  *out = (struct mwi_fold_stats){.bytes = mwi_load_relaxed(&folded_bytes),
                                 .held = mwi_foldmem_held(),
                                 .folds = mwi_load_relaxed(&nfolds),
                                 .unfolds = mwi_load_relaxed(&nunfolds),
                                 .faults = mwi_load_relaxed(&nfaults)};
}

/* Mappings are short, or no longer. */
void mwi_fold_under_pressure(bool on) {
  if (bits_always) mwi_store_relaxed(&mwi_fold_at_park, on || mwi_knobs.foldstress);
}

/* In a forked child: the goroutine that tidied is not there. */
void mwi_fold_forget(void) {
  mwi_store_relaxed(&later, 0);
  mwi_store_relaxed(&tidying, 0);
  mwi_store_relaxed(&mwi_lent_many, 0);
  walk_ends();
}

/* Before there are threads. */
void mwi_fold_init(void) {
  bits_always = mwi_knobs.foldstress || !mwi_stack_markers();
  mwi_sched.scan_bits = bits_always;
  mwi_fold_under_pressure(false);
}
