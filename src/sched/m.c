/* SPDX-License-Identifier: MIT */
/*
 * sched/m.c -- threads: our own, and those that come to us
 *
 * Job      Make threads for the scheduler; attach a thread of the program's
 *          (or a library's) at its first use of the runtime and detach it when
 *          it ends; know each thread's thread-local storage.
 * Promise  [M1] A registered thread can be stopped (sched/stop.c): it has its
 *          control block, signal stack and tid before it enters the list.
 *          [M2] The list never loses an entry; a dead thread's record is DEAD
 *          and is taken again by the next one.
 * How      An attached thread is a goroutine bound to it (`foreign`): it runs
 *          on the thread's own stack, blocks by blocking the thread, and holds
 *          a P while it runs instrumented code.
 *          A thread inside libc may have been stopped while it holds libc's
 *          locks (malloc, the dynamic linker, the cache of stacks).  So nothing
 *          here that takes one runs while a stopper waits for the calling
 *          thread [M3]: sysmon, which nobody stops, creates threads; the rest
 *          happens before registration.
 * Threads  allm_lock guards the list and the records' reuse.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <mallow.h>

#include "gc/gc.h"
#include "gc/roots.h"
#include "os/thread.h"
#include "os/tls.h"
#include "sched/proc.h"

/* ---- Records ----------------------------------------------------------- */

struct mwi_m *mwi_m_new(void) {
  mwi_lock(&mwi_sched.allm_lock);
  struct mwi_m *m = mwi_sched.all_m;
  while (m && !(mwi_load_relaxed(&m->state) == MWI_M_DEAD && m->tid == 0)) m = m->next_all;
  if (m) m->tid = -1; /* taken */
  mwi_unlock(&mwi_sched.allm_lock);
  if (!m) {
    m = mwi_meta_alloc(sizeof *m, 64);
    m->sigstack = mwi_os.map(MWI_SIGSTACK_BYTES + MWI_SCRATCH_BYTES);
    if (!m->sigstack) mwi_fatal("out of memory: no signal stack for a new thread");
    m->scratch = (char *)m->sigstack + MWI_SIGSTACK_BYTES;
    m->tid = -1;
  }
  return m;
}

void mwi_m_forget(struct mwi_m *m) {
  mwi_release_p_stw(m);
  m->tcb.g = NULL;
  m->foreign = m->prev = NULL;
  m->spinning = false;
  mwi_lock_rank_forget(&m->tcb);
  mwi_store_relaxed(&m->held_for_scan, false);
  mwi_store_relaxed(&m->park, 0);
  mwi_store_relaxed(&m->stop_req, 0);
  mwi_stop_forget_signals(m);
  mwi_store_relaxed(&m->state, MWI_M_DEAD);
  m->tid = 0; /* the record may be taken again */
}

static void check_thread_limit_locked(void) {
  uint32_t max = mwi_sched.max_threads;
  if (mwi_sched.nthreads <= max) return;
  mwi_unlock(&mwi_sched.allm_lock); /* for the traces */
  mwi_fatal("thread exhaustion: the program exceeds %u threads (mw_set_max_threads)", max);
}

MWI_EXPORT int mw_set_max_threads(int n) {
  mwi_attach();
  mwi_lock(&mwi_sched.allm_lock);
  int old = (int)mwi_sched.max_threads;
  if (n > (int)MWI_MOST_THREADS) n = (int)MWI_MOST_THREADS;
  if (n >= 1) mwi_sched.max_threads = (uint32_t)n;
  check_thread_limit_locked();
  mwi_unlock(&mwi_sched.allm_lock);
  return old;
}

/* For the calling thread.  The record may have been another's, and be touched yet by who saw it
 * then: sysmon sets poll (which only costs the new owner a look), and wb and scan are
 * written in all records under allm_lock, where mwi_m_adopt takes them over. */
static void tcb_reset(struct mwi_m *m) {
  struct mwi_tcb *t = &m->tcb;
  mwi_store_relaxed(&t->poll, 0);
  t->attached = 1;
  t->ext = 0;
  t->rt = 1;
  t->self = t;
  t->mcache = &mwi_mcache_none;
  t->g = NULL;
  t->p = NULL;
  t->gcp = NULL;
  t->m = m;
  t->sig = t->held = t->waits = 0;
  t->handlers = NULL;
  mwi_scratch_reset(m);
  mwi_store_relaxed(&m->in_libc, false);
  mwi_store_relaxed(&m->cleanup, NULL);
}

/* The calling thread becomes m: its block is in %gs from here. */
void mwi_m_adopt(struct mwi_m *m) {
  bool fresh = m->id == 0;
  tcb_reset(m);
  m->spinning = false;
  m->foreign = m->prev = m->chosen = NULL;
  m->tcb.thread = mwi_os_thread_pointer();
  m->errno_at = mwi_os_errno_at();
  mwi_store_relaxed(&m->park, 0);
  mwi_store_relaxed(&m->stop_req, 0);
  mwi_store_relaxed(&m->retake_req, 0);
  m->stack_hi = mwi_os_stack(&m->stack_lo);
  mwi_os_set_gs(&m->tcb);
  stack_t ss, old;
  if (sigaltstack(NULL, &old) == 0 && (old.ss_flags & SS_DISABLE)) {
    ss = (stack_t){.ss_sp = m->sigstack, .ss_size = MWI_SIGSTACK_BYTES};
    sigaltstack(&ss, NULL);
  }
  mwi_lock(&mwi_sched.allm_lock);
  if (fresh) {
    m->rand = mwi_os_random();
    static uint32_t ids;
    m->id = ++ids;
    m->next_all = mwi_sched.all_m;
  }
  mwi_sched.nthreads++;
  check_thread_limit_locked();
  mwi_store_seqcst(&m->cut_call, 0);      /* sysmon, which looks at them under this lock: */
  mwi_store_seqcst(&m->cut_bound, false); /* what they asked for was another's */
  m->tcb.wb = mwi_gc_wb_state();
  mwi_store_relaxed(&m->tcb.scan, mwi_sched.scan_bits);
  m->tid = mwi_os_tid();
  mwi_store_seqcst(&m->state, mwi_sched.world_stopped ? MWI_M_HELD : MWI_M_SYS);
  if (fresh) mwi_sched.all_m = m;
  mwi_unlock(&mwi_sched.allm_lock);
  mwi_leave_sys(m);
  /* Marking may have begun or ended while we were HELD; the flag was written
   * then like everybody's. */
}

size_t (*mwi_thread_creator)(uintptr_t *pc, size_t max);

/* Often the scheduler itself: then there is no stack to tell.  A record that was another's is in
 * the list, and read. */
static void set_creator(struct mwi_m *m, const uintptr_t *pc, size_t n) {
  mwi_lock(&mwi_sched.allm_lock);
  memcpy(m->creator, pc, n * sizeof *pc);
  m->ncreator = (uint32_t)n;
  mwi_unlock(&mwi_sched.allm_lock);
}

static void note_creator(struct mwi_m *m) {
  uintptr_t pc[MWI_CREATOR_FRAMES];
  bool known = mwi_thread_creator && mwi_tcb()->m && mwi_getg();
  set_creator(m, pc, known ? mwi_thread_creator(pc, MWI_CREATOR_FRAMES) : 0);
}

void mwi_attach_for(void (*fn)(void)) {
  mwi_attach();
  uintptr_t pc = (uintptr_t)fn + 1; /* like an address that a call returns to */
  set_creator(mwi_self(), &pc, 1);
}

/* ---- Our own threads --------------------------------------------------- */

static void m_main(void *arg) {
  struct mwi_m *m = arg;
  struct mwi_p *p = m->first_p;
  bool spinning = m->first_spinning;
  mwi_m_adopt(m);
  pthread_sigmask(SIG_SETMASK, &mwi_sched.sigmask, NULL);
  m->spinning = spinning;
  mwi_acquire_p(m, p);
  m->tcb.rt = 0;
  mwi_schedule_loop();
}

/* An idle thread that no handler of the program's keeps busy, or NULL. */
static struct mwi_m *idle_m_get_locked(void) {
  struct mwi_m **at = &mwi_sched.idle_m;
  while (*at && mwi_load_relaxed(&(*at)->tcb.sig)) at = &(*at)->next_idle;
  struct mwi_m *m = *at;
  if (!m) return NULL;
  *at = m->next_idle;
  mwi_add_relaxed(&mwi_sched.nidle_m, (uint32_t)-1);
  return m;
}

void mwi_m_start(struct mwi_p *p, bool spinning) {
  mwi_lock(&mwi_sched.lock);
  struct mwi_m *m = idle_m_get_locked();
  if (!m) mwi_sched.nm++;
  mwi_unlock(&mwi_sched.lock);
  if (m) {
    mwi_p_give(m, p, spinning);
    return;
  }
  m = mwi_m_new();
  note_creator(m);
  m->first_p = p;
  m->first_spinning = spinning;
  mwi_lock(&mwi_sched.lock);
  m->next_idle = mwi_sched.new_m;
  mwi_sched.new_m = m;
  mwi_unlock(&mwi_sched.lock);
  mwi_sysmon_need();
  mwi_sysmon_wake();
}

void mwi_m_start_new(void) {
  mwi_lock(&mwi_sched.lock);
  struct mwi_m *m = mwi_sched.new_m;
  mwi_sched.new_m = NULL;
  mwi_unlock(&mwi_sched.lock);
  while (m) {
    struct mwi_m *next = m->next_idle; /* m is the new thread's from the next line on */
    int e = mwi_os_thread_start(m_main, m);
    if (e)
      mwi_fatal("failed to create new OS thread (have %u already; errno=%d)%s",
                (unsigned)mwi_sched.nm - 1, e, e == EAGAIN ? "; see ulimit -u" : "");
    m = next;
  }
}

/* ---- Threads that come to us ------------------------------------------- */

void mwi_detach(void) {
  struct mwi_m *m = mwi_self();
  struct mwi_g *g = m->foreign;
  if (!g) return; /* one of ours, or the main thread */
  mwi_rt_enter();
  mwi_tls_ends(); /* still as a thread that stops wait for */
  mwi_g_transition(g, MWI_G_RUNNING, MWI_G_DEAD);
  g->m = NULL;
  struct mwi_p *p = mwi_release_p(m);
  if (p) mwi_handoff_p(p);
  stack_t ss = {.ss_flags = SS_DISABLE}, old;
  if (sigaltstack(NULL, &old) == 0 && old.ss_sp == m->sigstack) sigaltstack(&ss, NULL);
  mwi_add_relaxed(&mwi_sched.nforeign, -1);
  m->foreign = NULL;
  m->tcb.g = NULL; /* a stop must not find the record's next goroutine on this stack */
  mwi_g_record_put(g);
  mwi_stop_check();
  sigset_t all, mask;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &mask);
  mwi_lock(&mwi_sched.allm_lock);
  mwi_store_seqcst(&m->state, MWI_M_DEAD);
  mwi_sched.nthreads--;
  mwi_unlock(&mwi_sched.allm_lock);
  mwi_os_set_gs(&mwi_tcb_foreign);
  mwi_stop_announce(); /* a stopper may be waiting for us */
  m->tid = 0;          /* the record may be taken again */
  mwi_sysmon_wake();   /* were we the last that could wake somebody? */
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* On a goroutine, which may migrate, there is nothing to do: its thread is ours. */
int mwi_cancel_off(void) {
  mwi_attach();
  return mwi_getg()->foreign ? mwi_os_cancel_off() : -1;
}

void mwi_cancel_back(int state) {
  if (state >= 0) mwi_os_cancel_back(state);
}

void mwi_attach_slow(void) {
  if (mwi_tcb()->attached) {
    mwi_need_p();
    return;
  }
  mwi_init_once();
  if (mwi_tcb()->attached) { /* it was the initial thread, adopted by start-up */
    mwi_need_p();
    return;
  }
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int cancel = mwi_os_cancel_off(); /* the creator's stack is looked for in a file */
  mwi_store_relaxed(&mwi_thread_exit_hook, mwi_detach);
  mwi_os_thread_watch();
  mwi_sysmon_need();
  struct mwi_m *m = mwi_m_new();
  mwi_m_adopt(m);
  mwi_add_relaxed(&mwi_sched.nforeign, 1);
  struct mwi_g *g = mwi_g_record();
  mwi_g_clear(g);
  g->start_pc = g->creator_pc = 0;
  g->creator_id = 0;
  g->stack = (struct mwi_stack){.lo = 0, .hi = m->stack_hi, .slot = MWI_NO_STACK_SLOT};
  mwi_store_relaxed(&g->rest, 0);
  g->foreign = g->locked = g->system = true;
  g->m = m;
  g->id = mwi_add_relaxed(&mwi_sched.gid, 1) + 1;
  m->foreign = g;
  m->tcb.g = g;
  mwi_store_release(&g->status, MWI_G_RUNNING);
  note_creator(m); /* a thread of the program's: where it first called the runtime */
  m->tcb.rt = 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  mwi_need_p();
  mwi_os_cancel_back(cancel);
}
