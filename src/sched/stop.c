/* SPDX-License-Identifier: MIT */
/*
 * sched/stop.c -- stopping threads: polls, system calls, external code
 *
 * Job      Bring one thread, or all, to a point where its stack can be read
 *          and no instrumented instruction is under way.
 * Promise  [P1] A stopped thread is at a poll, in a runtime-wrapped wait, or
 *          in external code with its registers saved; never inside the runtime
 *          (tcb->rt > 0) and never in instrumented text, so never between a
 *          barrier's flag and its store [A2].
 *          [P2] No library call delays a stop: a thread that has not answered
 *          within SIGNAL_AFTER_NS is signalled, again and again.
 *          [P3] A stop covers every thread that can reach instrumented code,
 *          with a processor or without.
 *          [P4] Nobody stops while holding a runtime lock, so a stopper may
 *          take any lock but STOP.  Nobody in SYS holds or takes one either: a handler
 *          of the program's that comes there waits for the stopper, and may be stopped [N6].
 *          [P5] Nobody takes the stop lock in SYS: who waits for it there may be
 *          held for longer than one stop ([E2] of gchooks.c), and whoever lets
 *          it go needs the lock for that.
 *          [P6] Entering SYS is no barrier: a system call follows stores to cold
 *          memory, for which one would wait.  So a stopper may look too early to see
 *          SYS, and the thread too early to see the request and say so.  It costs
 *          the stopper time, and nothing else: it looks again by itself, after
 *          SIGNAL_EVERY_NS at the latest.  Stress builds never say so.
 *          [P7] No stop signal meets a thread in SYS, where it would cut a wait in the kernel
 *          short (a part of what was to be sent; MSG_WAITALL), but one that is to end its very call
 *          (cut.c).  Who sends one says so first, and then looks at the state; who enters SYS
 *          looks behind its state for signals that are on their way, and meets them there, before
 *          the wait.
 * How      The states are drawn in sched/proc.h.  A stopper sets stop_req and
 *          the poll byte, then looks at the state: SYS threads are held by a
 *          compare-and-swap and need no cooperation; RUN threads answer at
 *          their next poll.  The signal's handler classifies the interrupted
 *          PC by section bounds: instrumented or runtime text returns at once
 *          (the poll byte is set); anything else is external code and waits
 *          in the handler.
 * Threads  mwi_stop_lock admits one stopper at a time.  A thread waiting for
 *          it is in SYS, so two stoppers cannot wait for each other.
 * Rejected stopping by processor, as Go does: a thread without one can run
 *          instrumented code here (its P was retaken in external code).
 * Next     gc/cycle.c (who stops), sched/sysmon.c (who retakes)
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <limits.h>
#include <ucontext.h>

#include "gc/gc.h"
#include "os/asymlock.h"
#include "os/os.h"
#include "os/restart.h"
#include "os/syscall.h"
#include "os/thread.h"
#include "sched/proc.h"

#define SPIN_NS 5000          /* most threads poll within this */
#define SIGNAL_AFTER_NS 20000 /* a signal costs its target some microseconds */
#define SIGNAL_EVERY_NS 50000
#if MW_STRESS
enum { SAYS_SO = 0 };
#else
enum { SAYS_SO = 1 }; /* [P6] */
#endif

static _Atomic uint32_t stop_lock_state; /* 0 free, 1 held, 2 held with waiters */
static _Atomic uint32_t ack;             /* bumped and woken by each thread that stops */

/* ---- The stopped side -------------------------------------------------- */

void mwi_stop_announce(void) {
  atomic_fetch_add_explicit(&ack, 1, memory_order_seq_cst);
  mwi_futex_wake(&ack, 1);
}

/* Registers are published: become STOPPED and wait until released. */
static void wait_stopped(struct mwi_m *m) {
  /* release, via seq_cst: pairs with the stopper's acquire of state; stop_sp
   * and the context are written before */
  mwi_store_seqcst(&m->state, MWI_M_STOPPED);
  mwi_stop_announce();
  for (int i = 0; i < 200; i++) { /* most stops last some microseconds */
    if (mwi_load_acquire(&m->state) != MWI_M_STOPPED) return;
    mwi_pause();
  }
  while (mwi_load_acquire(&m->state) == MWI_M_STOPPED) mwi_futex_wait(&m->state, MWI_M_STOPPED, -1);
}

static void stop_here(void *arg, uintptr_t sp) {
  struct mwi_m *m = arg;
  m->stop_sp = sp;
  m->stop_fp = sp + MWI_SPILL_FP;
  m->ctx_lo = m->ctx_hi = 0;
  m->in_external = false;
  wait_stopped(m);
}

void mwi_stop_check(void) {
  struct mwi_m *m = mwi_self();
  while (mwi_load_seqcst(&m->stop_req)) mwi_spill_call(stop_here, m);
}

/* ---- Signals on their way [P7] ------------------------------------------ */

/*
 *     who sends                        who enters SYS, or begins its next call
 *     signals_begun + 1                state SYS (calls + 1)
 *     barrier, in all threads
 *     state RUN (the same call)?       signals_begun unlike signals_met?
 *     then send                        until nobody is between the two: wait
 *     signals_sent + 1, wake           a system call, from which it comes back behind the handler
 *
 * Those that came in RUN were met there; they cost one such call.
 */
void mwi_stop_signal(struct mwi_m *m, uint32_t call) {
  atomic_fetch_add_explicit(&m->signals_begun, 1, memory_order_seq_cst);
  (void)mwi_asym_heavy_barrier(); /* refused: it may be met in a wait, as others' are */
  bool there = call ? mwi_load_seqcst(&m->calls) == call : mwi_load_seqcst(&m->state) == MWI_M_RUN;
  if (there) mwi_os_signal_thread(m->tid, MWI_STOP_SIGNAL);
  /* release, via seq_cst: pairs with the acquire in meet_signals, and it is pending by then */
  atomic_fetch_add_explicit(&m->signals_sent, 1, memory_order_seq_cst);
  mwi_futex_wake(&m->signals_sent, 1);
}

static MWI_COLD void meet_signals(struct mwi_m *m) {
  for (;;) {
    uint32_t sent = mwi_load_acquire(&m->signals_sent); /* first: it follows the other */
    if (sent == mwi_load_acquire(&m->signals_begun)) {
      (void)mwi_sys0(SYS_gettid);
      m->signals_met = sent;
      return;
    }
    mwi_futex_wait(&m->signals_sent, sent, -1);
  }
}

void mwi_stop_forget_signals(struct mwi_m *m) {
  mwi_store_relaxed(&m->signals_begun, 0);
  mwi_store_relaxed(&m->signals_sent, 0);
  m->signals_met = 0;
}

void mwi_enter_sys(struct mwi_m *m) {
  mwi_assert(mwi_lock_rank_none()); /* [P4] */
  m->in_external = false;
  m->ctx_lo = m->ctx_hi = 0;
  /* release: pairs with take's compare-and-swap; what it reads then was written before.  And
   * no barrier behind it [P6] */
  mwi_store_release(&m->state, MWI_M_SYS);
  mwi_asym_light_barrier(); /* pairs with the heavy one in mwi_stop_signal [P7] */
  if (SAYS_SO && mwi_load_relaxed(&m->stop_req)) mwi_stop_announce();
  if (MWI_UNLIKELY(mwi_load_relaxed(&m->signals_begun) != m->signals_met)) meet_signals(m);
}

void mwi_leave_sys(struct mwi_m *m) {
  for (;;) {
    uint32_t s = MWI_M_SYS;
    if (mwi_cas_seqcst(&m->state, &s, MWI_M_RUN)) return;
    mwi_assert(s == MWI_M_HELD || s == MWI_M_FORKED);
    mwi_futex_wait(&m->state, s, -1); /* the stopper will set SYS again and wake us */
  }
}

bool mwi_stop_come_in(struct mwi_m *m, bool external) {
  for (bool wait = false;;) {
    uint32_t s = mwi_load_seqcst(&m->state);
    if (s == MWI_M_SYS || (s == MWI_M_FORKED && external)) {
      wait = mwi_cas_seqcst(&m->state, &s, MWI_M_RUN);
      if (!wait) continue;
    }
    if (wait || s == MWI_M_RUN || s == MWI_M_DEAD) {
      if (MWI_UNLIKELY(mwi_load_relaxed(&m->comes_in))) mwi_store_relaxed(&m->comes_in, false);
      return wait;
    }
    /* HELD, or STOPPED on its way out of a wait for that */
    if (!mwi_load_relaxed(&m->comes_in)) /* pairs with let_forked_go, one of us sees the other */
      mwi_store_seqcst(&m->comes_in, true);
    else
      mwi_futex_wait(&m->state, s, -1);
  }
}

void mwi_stop_go_back(struct mwi_m *m) {
  while (mwi_load_acquire(&m->state) == MWI_M_STOPPED) /* cancelled there: not in a stop */
    mwi_futex_wait(&m->state, MWI_M_STOPPED, -1);
  if (MWI_LIKELY(mwi_load_relaxed(&m->state) != MWI_M_RUN)) return;
  m->stop_sp = m->regs[MWI_REG_SP];
  m->stop_fp = m->regs[MWI_REG_FP];
  mwi_enter_sys(m);
}

/* Second half of mwi_syscall_enter, which has published the registers. */
void mwi_syscall_entered(void);
void mwi_syscall_entered(void) {
  struct mwi_m *m = mwi_self();
  m->stop_sp = m->regs[MWI_REG_SP];
  m->stop_fp = m->regs[MWI_REG_FP];
  mwi_rt_enter(); /* the handler has no business here: SYS is stoppable by itself */
  struct mwi_p *p = m->tcb.p;
  mwi_sysmon_check();
  if (p) {
    m->tcb.mcache = &mwi_mcache_none;
    m->tcb.gcp = NULL;
    m->tcb.p = NULL;
    mwi_store_relaxed(&p->sys_tick, mwi_load_relaxed(&p->sys_tick) + 1);
    mwi_store_release(&m->sys_p, p); /* pairs with the exchange of whoever takes it */
  }
  mwi_enter_sys(m);
}

void mwi_attempt_entered(void);
void mwi_attempt_entered(void) {
  struct mwi_m *m = mwi_self();
  m->stop_sp = m->regs[MWI_REG_SP];
  m->stop_fp = m->regs[MWI_REG_FP];
  mwi_rt_enter();
  mwi_enter_sys(m);
}

static MWI_COLD void exit_without_p(void) {
  int saved = mwi_errno_get();
  mwi_need_p();
  mwi_errno_set(saved);
}

/* Out of SYS; with the processor that it came with, if that is still there. */
MWI_INLINE bool leave_with_p(void) {
  struct mwi_m *m = mwi_self();
  mwi_leave_sys(m);
  struct mwi_p *p = mwi_xchg_acqrel(&m->sys_p, NULL);
  if (MWI_LIKELY(p != NULL)) {
    mwi_assert(mwi_load_relaxed(&p->m) == m);
    m->tcb.p = p;
    m->tcb.gcp = &p->gcp;
    m->tcb.mcache = p->mcache;
  }
  mwi_rt_leave();
  return p != NULL;
}

void mwi_syscall_exit(void) {
  if (MWI_UNLIKELY(!leave_with_p())) exit_without_p();
}

void mwi_syscall_left(void) {
  if (!leave_with_p()) mwi_store_relaxed(&mwi_tcb()->poll, 1);
}

void mwi_attempt_exit(void) {
  struct mwi_m *m = mwi_self();
  mwi_leave_sys(m);
  mwi_rt_leave();
  if (MWI_UNLIKELY(!m->tcb.p)) exit_without_p(); /* GOMAXPROCS shrank meanwhile */
}

/* ---- The handler ------------------------------------------------------- */

/* The interrupted code is external and holds no lock of ours: do what was asked. */
static void answer(struct mwi_m *m, ucontext_t *uc) {
  struct mwi_tcb *t = &m->tcb;
  if (mwi_load_relaxed(&m->retake_req)) {
    mwi_store_relaxed(&m->retake_req, 0);
    struct mwi_p *p = t->waits ? NULL : mwi_release_p(m); /* a wait relies on what it has */
    mwi_store_relaxed(&t->poll, 1);
    if (p) {
      /* No thread can be created here: the interrupted code may hold libc's
       * locks.  sysmon finds a thread for p. */
      mwi_idle_p_put(p);
      mwi_sysmon_wake();
    }
  }
  if (mwi_load_seqcst(&m->stop_req)) {
    mwi_store_relaxed(&t->poll, 1); /* for what follows the stop: TLS refresh, P */
    m->stop_sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP] - 128; /* red zone */
    m->ctx_lo = mwi_align_down((uintptr_t)uc, 8);
    uintptr_t fp = (uintptr_t)uc->uc_mcontext.fpregs;
    /* general registers, and the vector registers that memcpy and qsort move pointers in */
    m->ctx_hi =
        fp > m->ctx_lo ? fp + mwi_os_vectors_bytes((const void *)fp) : m->ctx_lo + sizeof *uc;
    m->in_external = true;
    wait_stopped(m);
  }
}

/*
 * Is the external code a handler that a library has installed by itself, on top of compiled code
 * or of the runtime?  Then the thread is between two instructions of ours [P1].  Compiled
 * code's handlers count themselves in tcb->held; of these only the kernel's frames tell, which
 * lie above the handler's own on the stack that it has interrupted.  A frame begins with the
 * address that the handler returns to, which is libc's and the same for all, and the signal
 * is blocked meanwhile; so a frame that is left over from before is told from one in use.
 * Where the handler has just returned to that address, to tell the kernel, its frame is at the
 * stack pointer, whatever is blocked.
 * Not seen: SA_NODEFER, but there, and what is further up than LOOK_BYTES.
 */
#define LOOK_BYTES (1 * MWI_MB)
#define RESTORER_BYTES 9 /* mov $15, %rax; syscall */

struct sigframe { /* what the kernel pushes on x86-64 */
  uintptr_t back;
  uintptr_t uc[38]; /* its struct ucontext: libc's is longer */
  siginfo_t info;
};
_Static_assert(offsetof(ucontext_t, uc_sigmask) + 8 == sizeof(uintptr_t[38]), "one word of mask");

static bool interrupted_ours(const struct sigframe *f) {
  const ucontext_t *below = (const void *)f->uc;
  return mwi_text_contains((uintptr_t)below->uc_mcontext.gregs[REG_RIP]);
}

/* How far up a frame of the kernel's can lie that matters: above it the stack's end, or a wait that
 * a handler of the program's has interrupted, which may be stopped [N6]. */
static uintptr_t look_up_to(const struct mwi_m *m) {
  for (const struct mwi_handler *h = m->tcb.waits ? m->tcb.handlers : NULL; h; h = h->up)
    if (h->wait) return h->frame;
  return m->tcb.g ? m->tcb.g->stack.hi : m->stack_hi;
}

static bool handler_over_ours(const struct mwi_m *m, const ucontext_t *uc) {
  uintptr_t back = ((const uintptr_t *)uc)[-1]; /* of this handler's own frame */
  uintptr_t sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
  if (MWI_UNLIKELY((uintptr_t)uc->uc_mcontext.gregs[REG_RIP] - back < RESTORER_BYTES))
    return interrupted_ours((const void *)(sp - sizeof back));
  uint64_t mask;
  memcpy(&mask, &uc->uc_sigmask, sizeof mask);
  if (MWI_LIKELY(!mask)) return false;
  if (uc->uc_stack.ss_flags & SS_ONSTACK) return true; /* which nobody scans */
  uintptr_t lo = mwi_align_up(sp, 8), hi = look_up_to(m);
  if ((m->tcb.g && lo < m->tcb.g->stack.lo) || lo >= hi) return false;
  if (hi - lo > LOOK_BYTES) hi = lo + LOOK_BYTES;
  for (uintptr_t at = lo; at + sizeof(struct sigframe) <= hi; at += 8) {
    const struct sigframe *f = (const void *)at;
    if (f->back != back) continue;
    unsigned sig = (unsigned)f->info.si_signo;
    if (sig - 1 < 64 && (mask >> (sig - 1) & 1) && interrupted_ours(f)) return true;
  }
  return false;
}

/* A system call of external code's, or the one that the runtime makes for compiled code; not those
 * that the runtime waits in for itself, or makes in a handler on top of such a one. */
void mwi_restart_interrupted(struct mwi_m *m, void *uc_) {
  ucontext_t *uc = uc_;
  bool ours = mwi_text_contains((uintptr_t)uc->uc_mcontext.gregs[REG_RIP]);
  long number = mwi_os_in_call(uc) ? mwi_load_relaxed(&m->sys_number_1) - 1 : -1;
  if (ours && number < 0) return;
  int saved = errno;
  mwi_os_restart_call(uc, number, &m->since);
  errno = saved;
  if (!mwi_os_at_call(uc)) return;
  m->again_pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
  m->again_sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
}

bool mwi_begins_again(const struct mwi_m *m, const void *uc_) {
  const greg_t *r = ((const ucontext_t *)uc_)->uc_mcontext.gregs;
  return (uintptr_t)r[REG_RIP] == m->again_pc && (uintptr_t)r[REG_RSP] == m->again_sp;
}

static void handler(int sig, siginfo_t *info, void *uc_) {
  ucontext_t *uc = uc_;
  struct mwi_tcb *t = mwi_tcb_of_thread();
  if (MWI_UNLIKELY(info->si_code != SI_TKILL)) mwi_signal_spare(sig, info, uc_);
  if (!t->attached) return;
  struct mwi_m *m = t->m;
  if (MWI_UNLIKELY(mwi_load_seqcst(&mwi_sched.mask_spreads)))
    mwi_mask_take_over(m, &uc->uc_sigmask);
  if (t->rt > 0) {
    uint32_t call = mwi_load_seqcst(&m->cut_call);
    if (MWI_UNLIKELY(call) && call == mwi_load_relaxed(&m->calls) && mwi_os_in_call(uc) &&
        mwi_os_cut_call(uc)) {
      mwi_store_seqcst(&m->cut_call, 0);
      return;
    }
    mwi_restart_interrupted(m, uc);
    return;
  }
  uintptr_t sp = (uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
  /* or a handler of external code's, on the signal stack, which nobody scans */
  if (t->held || sp - (uintptr_t)m->sigstack < MWI_SIGSTACK_BYTES) {
    mwi_restart_interrupted(m, uc);
    return;
  }
  bool asked = mwi_load_relaxed(&m->stop_req) || mwi_load_relaxed(&m->retake_req);
  if (mwi_load_relaxed(&m->state) != MWI_M_RUN ||
      mwi_text_contains((uintptr_t)uc->uc_mcontext.gregs[REG_RIP]) || handler_over_ours(m, uc)) {
    mwi_store_relaxed(&m->retake_req, 0); /* not in external code */
    if (mwi_load_relaxed(&m->stop_req)) mwi_store_relaxed(&t->poll, 1);
    mwi_restart_interrupted(m, uc);
    return;
  }
  int saved = errno;
  t->rt++;
  if (asked) answer(m, uc);
  mwi_restart_interrupted(m, uc); /* after a spare signal, too */
  t->rt--;
  errno = saved;
}

/* [P4], for check builds.  sysmon, which nobody stops, has no record. */
static bool in_a_wait(void) {
  const struct mwi_tcb *t = mwi_tcb();
  return t->attached && t->m && mwi_m_in_syscall(t->m);
}

void mwi_stop_init(void) {
  mwi_lock_forbidden = in_a_wait;
  struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  mwi_os_fill_mask(&sa.sa_mask);
  sigaction(MWI_STOP_SIGNAL, &sa, NULL);
}

/* ---- The stopping side ------------------------------------------------- */

void mwi_stop_lock(void) {
  struct mwi_m *m = mwi_self();
  mwi_rt_enter();
  uint32_t free_state = 0;
  if (mwi_cas_seqcst(&stop_lock_state, &free_state, 1)) return;
  mwi_spill_call(mwi_stop_lock_wait, m);
}

void mwi_stop_lock_wait(void *arg, uintptr_t sp) {
  struct mwi_m *m = arg;
  m->stop_sp = sp;
  m->stop_fp = sp + MWI_SPILL_FP;
  do {
    mwi_enter_sys(m);
    uint32_t seen = 1; /* there is somebody who waits */
    bool held = mwi_cas_seqcst(&stop_lock_state, &seen, 2) || seen == 2;
    if (held) mwi_futex_wait(&stop_lock_state, 2, -1);
    mwi_leave_sys(m);
  } while (mwi_xchg_acqrel(&stop_lock_state, 2) != 0); /* [P5]: not before it is in RUN */
}

/* All who wait, not one: the one might be held, and not take it [P5]. */
void mwi_stop_unlock(void) {
  if (mwi_xchg_acqrel(&stop_lock_state, 0) == 2) mwi_futex_wake(&stop_lock_state, INT_MAX);
  mwi_rt_leave();
}

static void request(struct mwi_m *m) {
  mwi_store_seqcst(&m->stop_req, 1);
  mwi_store_seqcst(&m->tcb.poll, 1);
}

/* Is m stopped or held?  Takes it if it can be held. */
static bool take(struct mwi_m *m) {
  uint32_t s = mwi_load_acquire(&m->state); /* pairs with wait_stopped */
  if (s == MWI_M_STOPPED || s == MWI_M_HELD || s == MWI_M_DEAD) return true;
  return s == MWI_M_SYS && mwi_cas_seqcst(&m->state, &s, MWI_M_HELD);
}

/* Wait for one requested thread; `since`: when it was asked. */
static void await(struct mwi_m *m, int64_t since) {
  int64_t signal_at = since + SIGNAL_AFTER_NS;
  for (uint32_t n = 0;; n++) {
    uint32_t seen = mwi_load_seqcst(&ack);
    if (take(m)) return;
    if ((n & 15) != 15) {
      for (int i = 0; i < 20; i++) mwi_pause();
      continue;
    }
    int64_t now = mwi_os_monotonic();
    if (now >= signal_at) {
      mwi_stop_signal(m, 0);
      signal_at = now + SIGNAL_EVERY_NS;
    }
    if (now >= since + SPIN_NS) mwi_futex_wait(&ack, seen, signal_at - now); /* [P6] */
  }
}

static void release(struct mwi_m *m) {
  if (mwi_load_relaxed(&m->held_for_scan)) return; /* sched/gchooks.c will */
  mwi_store_seqcst(&m->stop_req, 0);
  uint32_t s = mwi_load_acquire(&m->state);
  if (s == MWI_M_STOPPED)
    mwi_store_seqcst(&m->state, MWI_M_RUN);
  else if (s == MWI_M_HELD)
    mwi_store_seqcst(&m->state, MWI_M_SYS);
  else if (s != MWI_M_FORKED || !mwi_cas_seqcst(&m->state, &s, MWI_M_SYS))
    return; /* FORKED: a handler may have come in */
  mwi_futex_wake(&m->state, 1);
}

bool mwi_suspend_m(struct mwi_m *m) {
  if (m == mwi_self()) return true;
  for (;;) {
    request(m);
    await(m, mwi_os_monotonic());
    uint32_t s = mwi_load_acquire(&m->state);
    if (s == MWI_M_STOPPED || s == MWI_M_HELD) return true;
    if (s == MWI_M_DEAD) {
      mwi_store_relaxed(&m->stop_req, 0);
      return false;
    }
    /* it was dead, and is another thread by now, which nobody has stopped */
  }
}

void mwi_resume_m(struct mwi_m *m) {
  if (m != mwi_self()) release(m);
}

void mwi_stop_world(void) {
  mwi_stop_lock();
  struct mwi_m *self = mwi_self();
  mwi_lock(&mwi_sched.allm_lock);
  mwi_sched.world_stopped = true; /* threads registered from here are born HELD */
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all)
    if (m != self) request(m);
  struct mwi_m *first = mwi_sched.all_m;
  mwi_unlock(&mwi_sched.allm_lock);
  int64_t since = mwi_os_monotonic();
  /* The list only grows at its head and never loses entries; those before
   * `first` are HELD already. */
  for (struct mwi_m *m = first; m; m = m->next_all)
    if (m != self) await(m, since);
}

void mwi_start_world(void) {
  struct mwi_m *self = mwi_self();
  mwi_lock(&mwi_sched.allm_lock);
  mwi_sched.world_stopped = false;
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all)
    if (m != self) release(m);
  mwi_unlock(&mwi_sched.allm_lock);
  mwi_stop_unlock();
}

/* ---- Around fork (sched/fork.c); this thread has stopped the world ---------- */

/* Has m, which is stopped, or one of its handlers, interrupted external code? */
static bool stands_on_external(const struct mwi_m *m) {
  if (m->in_external) return true;
  for (const struct mwi_handler *h = m->tcb.handlers; h; h = h->up)
    if (h->external) return true;
  return false;
}

static bool held_in_libc(const struct mwi_m *m) {
  return mwi_load_relaxed(&m->state) == MWI_M_HELD && mwi_m_waits_in_libc(m);
}

void mwi_stop_take_external_ps(void) {
  struct mwi_m *self = mwi_self();
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (m == self) continue;
    bool stopped = mwi_load_relaxed(&m->state) == MWI_M_STOPPED && stands_on_external(m);
    if (!stopped && !held_in_libc(m)) continue;
    struct mwi_p *p = mwi_release_p_stw(m);
    mwi_store_relaxed(&m->tcb.poll, 1);
    if (p) mwi_idle_p_put(p);
  }
}

/* m has no processor to run compiled code with that is not a handler's, whose stores have no
 * barriers in this stop, for nobody marks. */
static void let_forked_go(struct mwi_m *m) {
  mwi_store_seqcst(&m->stop_req, 0); /* polls of the handler's */
  uint32_t s = MWI_M_HELD;
  if (mwi_cas_seqcst(&m->state, &s, MWI_M_FORKED) && mwi_load_seqcst(&m->comes_in))
    mwi_futex_wake(&m->state, 1);
}

void mwi_stop_release_external(void) {
  struct mwi_m *self = mwi_self();
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (m == self) continue;
    if (mwi_load_relaxed(&m->state) == MWI_M_STOPPED) {
      if (stands_on_external(m)) release(m);
    } else if (held_in_libc(m) && !mwi_load_relaxed(&m->sys_p)) {
      let_forked_go(m);
    }
  }
}

/* In the child: nobody is left who was stopped, or who waits to stop others. */
void mwi_stop_forget(void) {
  mwi_sched.world_stopped = false;
  mwi_store_relaxed(&stop_lock_state, 0);
  mwi_rt_leave();
}
