/* SPDX-License-Identifier: MIT */
/*
 * sched/proc.c -- the scheduler: which goroutine runs next, on which thread
 *
 * Job      A loop on each thread's own stack: settle what the last goroutine
 *          asked for (park, yield, exit), find the next one, switch to it.
 *          Where the next one is plain, the goroutine that leaves switches to
 *          it without the loop.
 * Promise  [D1] A runnable goroutine runs eventually: every 61st turn looks at
 *          the global queue first, and after a time slice of 10 ms, which
 *          goroutines that ready each other share, it is others' turn.
 *          [D2] No lost wake-up: whoever makes work visible then looks for an
 *          idle processor; whoever goes idle first makes that visible and then
 *          looks for work once more (both seq_cst).  A goroutine in runnext of a
 *          processor that does not switch is found by sysmon (mwi_ready).
 *          [D3] The loop runs with tcb->rt == 1 throughout; a goroutine starts
 *          or resumes with it and drops it itself.  So a thread in the loop is
 *          stopped only where it asks (mwi_stop_check).
 * Next     run.h (the other files of this subject), runq.c, stop.c, sysmon.c
 */
#include <mallow.h>

#include "gc/gc.h"
#include "sched/asan.h"
#include "sched/netpoll.h"
#include "sched/run.h"
#include "sched/stack.h"

struct mwi_sched mwi_sched = {
    .lock = MWI_LOCK_INIT(MWI_RANK_SCHED),
    .allm_lock = MWI_LOCK_INIT(MWI_RANK_ALLG),
    .keeper_until = INT64_MAX,
    .max_threads = MWI_MAX_THREADS,
};

const char *const mwi_wait_names[MWI_NWAITS] = {
    [MWI_WAIT_NONE] = "",
    [MWI_WAIT_CHAN_RECV] = "chan receive",
    [MWI_WAIT_CHAN_SEND] = "chan send",
    [MWI_WAIT_CHAN_RECV_NIL] = "chan receive (nil chan)",
    [MWI_WAIT_CHAN_SEND_NIL] = "chan send (nil chan)",
    [MWI_WAIT_SELECT] = "select",
    [MWI_WAIT_SELECT_NONE] = "select (no cases)",
    [MWI_WAIT_SEMA] = "semacquire",
    [MWI_WAIT_MUTEX] = "sync.Mutex.Lock",
    [MWI_WAIT_RWMUTEX_R] = "sync.RWMutex.RLock",
    [MWI_WAIT_RWMUTEX_W] = "sync.RWMutex.Lock",
    [MWI_WAIT_WAITGROUP] = "sync.WaitGroup.Wait",
    [MWI_WAIT_COND] = "sync.Cond.Wait",
    [MWI_WAIT_SLEEP] = "sleep",
    [MWI_WAIT_IO] = "IO wait",
    [MWI_WAIT_GC_ASSIST] = "GC assist wait",
    [MWI_WAIT_GC] = "wait for GC cycle",
    [MWI_WAIT_FINALIZER] = "finalizer wait",
};

/* ---- Processors -------------------------------------------------------- */

void mwi_acquire_p(struct mwi_m *m, struct mwi_p *p) {
  mwi_assert(!m->tcb.p && p);
  /* Else a stopper would not wait for it. */
  mwi_assert(mwi_load_relaxed(&m->state) == MWI_M_RUN);
  mwi_store_relaxed(&p->m, m);
  m->tcb.p = p;
  m->tcb.gcp = &p->gcp;
  m->tcb.mcache = p->mcache;
}

struct mwi_p *mwi_release_p(struct mwi_m *m) {
  struct mwi_p *p = m->tcb.p;
  if (!p) return NULL;
  m->tcb.mcache = &mwi_mcache_none;
  m->tcb.gcp = NULL;
  m->tcb.p = NULL;
  mwi_store_relaxed(&p->m, NULL);
  return p;
}

/*
 * A handler of the program's may come on a thread that sleeps, and take its time; m cannot take p
 * up before it ends.  Such a thread is not chosen (mwi_m_start), but the handler may begin right
 * after that, and a goroutine that is bound to m can run nowhere else.  So p is given by way of
 * m->sys_p, from where sysmon takes it as from a system call.
 */
void mwi_p_give(struct mwi_m *m, struct mwi_p *p, bool spinning) {
  mwi_store_relaxed(&p->given, spinning ? MWI_GIVEN_SPINNING : MWI_GIVEN);
  mwi_store_relaxed(&p->sys_tick, mwi_load_relaxed(&p->sys_tick) + 1);
  mwi_store_relaxed(&p->m, m);
  mwi_store_release(&m->sys_p, p); /* pairs with the exchange of whoever takes it */
  mwi_store_release(&m->park, 1);  /* pairs with mwi_p_await's acquire */
  mwi_futex_wake(&m->park, 1);
}

/* The caller owns p. */
static uint8_t given_for(struct mwi_p *p) {
  uint8_t given = mwi_load_relaxed(&p->given);
  mwi_store_relaxed(&p->given, MWI_GIVEN_NOT);
  return given;
}

bool mwi_p_await(struct mwi_m *m) {
  mwi_enter_sys(m);
  while (!mwi_load_acquire(&m->park)) mwi_futex_wait(&m->park, 0, -1);
  mwi_leave_sys(m);
  mwi_store_relaxed(&m->park, 0);
  struct mwi_p *p = mwi_xchg_acqrel(&m->sys_p, NULL);
  if (!p) return false;
  m->spinning = given_for(p) == MWI_GIVEN_SPINNING;
  mwi_acquire_p(m, p);
  return true;
}

void mwi_p_pass_on(struct mwi_p *p) {
  if (given_for(p) == MWI_GIVEN_SPINNING)
    mwi_m_start(p, true); /* others count on its being looked around with [D2] */
  else
    mwi_handoff_p(p);
}

struct mwi_p *mwi_release_p_stw(struct mwi_m *m) {
  struct mwi_p *p = mwi_release_p(m);
  if (p) return p;
  p = mwi_xchg_acqrel(&m->sys_p, NULL);
  if (!p) return NULL;
  mwi_store_relaxed(&p->m, NULL);
  if (given_for(p) == MWI_GIVEN_SPINNING) atomic_fetch_sub(&mwi_sched.nspinning, 1);
  return p;
}

void mwi_idle_p_put(struct mwi_p *p) {
  mwi_lock(&mwi_sched.lock);
  p->next_idle = mwi_sched.idle_p;
  mwi_sched.idle_p = p;
  atomic_fetch_add(&mwi_sched.nidle_p, 1);
  mwi_unlock(&mwi_sched.lock);
}

static struct mwi_p *idle_p_get_locked(void (*stir)(void)) {
  struct mwi_p *p = mwi_sched.idle_p;
  if (!p) return NULL;
  mwi_sched.idle_p = p->next_idle;
  mwi_store_relaxed(&p->slice, mwi_load_relaxed(&p->slice) + 1);
  mwi_store_relaxed(&p->slice_over, 0);
  atomic_fetch_sub(&mwi_sched.nidle_p, 1);
  if (mwi_load_seqcst(&mwi_sched.sysmon_deep)) stir();
  return p;
}

static struct mwi_p *idle_p_get(void (*stir)(void)) {
  if (!mwi_load_seqcst(&mwi_sched.nidle_p)) return NULL;
  mwi_lock(&mwi_sched.lock);
  struct mwi_p *p = idle_p_get_locked(stir);
  mwi_unlock(&mwi_sched.lock);
  return p;
}

struct mwi_p *mwi_idle_p_get(void) {
  return idle_p_get(mwi_sysmon_stir);
}

struct mwi_p *mwi_idle_p_get_timed(void) {
  return idle_p_get(mwi_sysmon_stir_timed);
}

static bool work_for(struct mwi_p *p) {
  return !mwi_runq_empty(p) || mwi_load_seqcst(&mwi_sched.runq_size) || mwi_gc_work_available();
}

/* [KW1]: the calling thread has given its processor away.  It goes to sleep, or has been the
 * keeper, or had the last busy one; so another becomes the keeper, where there is none. */
static void leave_a_keeper(void) {
  int64_t when = mwi_earliest_timer();
  if (when != INT64_MAX) mwi_timer_notify(when);
  if (mwi_netpoll_waited() && mwi_load_seqcst(&mwi_sched.keeper_until) == INT64_MAX) mwi_wake_p();
}

void mwi_handoff_p(struct mwi_p *p) {
  if (work_for(p)) {
    mwi_m_start(p, false);
    return;
  }
  mwi_idle_p_put(p);
  leave_a_keeper();
  if (work_for(p)) mwi_wake_p(); /* it came meanwhile [D2] */
}

void mwi_wake_p(void) {
  atomic_thread_fence(memory_order_seq_cst); /* [D2]: the work is visible before we look */
  if (!mwi_load_seqcst(&mwi_sched.nidle_p)) return;
  uint32_t none = 0;
  if (mwi_load_seqcst(&mwi_sched.nspinning) != 0 || !mwi_cas_seqcst(&mwi_sched.nspinning, &none, 1))
    return; /* a spinning thread will find it */
  struct mwi_p *p = mwi_idle_p_get();
  if (!p) {
    atomic_fetch_sub(&mwi_sched.nspinning, 1);
    return;
  }
  mwi_m_start(p, true);
}

/* Any heap will do for a thread that has lost its P on the way. */
struct mwi_timers *mwi_timers_mine(void) {
  struct mwi_p *p = mwi_tcb()->p;
  return (p ? p : mwi_sched.procs[0])->timers;
}

/* Ready goroutines to where they are found: the ring of the processor at hand, else
 * the global queue. */
void mwi_glist_run(struct mwi_glist *l) {
  if (!l->n) return;
  struct mwi_p *p = mwi_tcb()->p;
  if (!p) mwi_lock(&mwi_sched.lock);
  for (struct mwi_g *g = l->head, *next; g; g = next) {
    next = g->next;
    if (p)
      mwi_runq_put(p, g, false);
    else
      mwi_globq_put_locked(g);
  }
  if (!p) mwi_unlock(&mwi_sched.lock);
  if (!p || l->n >= MWI_HELP_FROM) mwi_wake_p();
}

void mwi_glist_run_beside(struct mwi_glist *l) {
  if (!l->n) return;
  mwi_glist_run(l);
  mwi_wake_p();
}

/* ---- The loop ---------------------------------------------------------- */

static void execute(struct mwi_m *m, struct mwi_g *g, bool inherits) {
  if (g->locked) { /* its thread waits for it: hand it this P and go idle */
    struct mwi_m *owner = g->m;
    if (mwi_load_relaxed(&owner->held_for_scan)) { /* [E2] has it; that job is the cycle's first */
      mwi_globq_put(g);
      mwi_gc_run_idle(m->tcb.p->id);
      return;
    }
    if (!g->foreign) mwi_add_relaxed(&mwi_sched.nbound, -1);
    owner->next_inherits = inherits;
    mwi_p_give(owner, mwi_release_p(m), false);
    leave_a_keeper();
    return;
  }
  mwi_g_take_up(m, m->tcb.p, g, inherits);
  if (MWI_UNLIKELY(mwi_load_relaxed(&g->rest))) mwi_stack_resume(g);
  mwi_asan_to_g(m, g);
  mwi_switch(&m->g0_sp, g->sp);
}

/* The one that park.c has taken from a queue already, or any other. */
MWI_INLINE struct mwi_g *next(struct mwi_m *m, bool *inherits) {
  struct mwi_g *g = m->chosen;
  if (!g) return mwi_find_runnable(m, inherits);
  m->chosen = NULL;
  *inherits = m->chosen_inherits;
  return g;
}

_Noreturn void mwi_schedule_loop(void) {
  struct mwi_m *m = mwi_self(); /* a thread's loop stays on its thread */
  mwi_rt_enter();               /* [D3] */
  for (;;) {
    bool inherits;
    m->tcb.g = NULL;
    mwi_settle();
    struct mwi_g *g = next(m, &inherits);
    mwi_spin_end(m);
    m->kept_watch = false;
    execute(m, g, inherits);
  }
}
