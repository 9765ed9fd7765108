/* SPDX-License-Identifier: MIT */
/*
 * debug/goroutines.c -- the stacks of all goroutines; see debug/goroutines.h
 *
 * How      A goroutine that does not run has its registers on its stack
 *          (sched/switch.h).  One that runs has them where its thread was
 *          stopped: at a poll or a wait in the runtime, in external code under
 *          the stop signal (sched/stop.c), or, in a dying process, under the
 *          freezing signal below.
 *
 *          Freezing: every other thread gets a request to stop at its next
 *          poll, and the stop signal with a handler of our own, which takes
 *          the stack on the spot.  Threads in compiled or runtime code then
 *          stay in the handler.  A thread in external code goes on until its
 *          next poll: it may hold malloc's lock, which symbolising needs.
 */
#include "debug/goroutines.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <mallow.h>

#include "base/knobs.h"
#include "debug/line.h"
#include "gc/gc.h"
#include "os/os.h"
#include "sched/proc.h"
#include "sched/stack.h"

/* A thread that gets a CPU takes its stack in a millisecond.  One that sleeps for so long, or has
 * had so much of a CPU, does not answer: it has the signal blocked, or waits for a disk. */
#define FREEZE_NS INT64_C(100000000)
/* But for a CPU it may have to wait; not for ever, if others leave it none. */
#define FREEZE_MOST_NS INT64_C(60000000000)

/* ---- Any one goroutine ------------------------------------------------------------ */

static uint32_t status_of(const struct mwi_g *g) {
  /* acquire: pairs with the release that follows g->sp (sched/park.c, mwi_settle) */
  return mwi_load_acquire(&g->status) & ~(uint32_t)MWI_G_SCAN;
}

static bool shown(const struct mwi_g *g, bool system) {
  return status_of(g) != MWI_G_DEAD && (!g->system || g->foreign || system);
}

/* A goroutine that is not running. */
static void take_parked(struct mwi_trace *t, struct mwi_g *g, bool system) {
  struct mwi_unwind u;
  t->total = 0;
  struct mwi_stack_view v = mwi_stack_view(g);
  if (!v.lo) return; /* it has not begun */
  mwi_unwind_saved(&u, g->sp, g->locked ? 8 : 0 /* mwi_spill_call */, g->stack.hi, v.lo);
  mwi_trace_take(t, &u, system);
}

/* One that runs on a thread stopped by sched/stop.c. */
static void take_stopped_stw(struct mwi_trace *t, struct mwi_m *m, bool system) {
  struct mwi_unwind u;
  struct mwi_context c;
  uintptr_t hi = m->tcb.g->foreign ? m->stack_hi : m->tcb.g->stack.hi;
  if (m->in_external) {
    mwi_context_from_signal(&c, (const void *)m->ctx_lo);
    mwi_unwind_init(&u, &c, true);
    mwi_unwind_allow(&u, mwi_align_down(c.reg[MWI_CTX_SP], 8), hi);
  } else if (m->stop_sp == m->regs[MWI_REG_SP]) { /* mwi_syscall_enter */
    c = (struct mwi_context){.known = 1u << MWI_CTX_BP | 1u << MWI_CTX_SP | 1u << MWI_CTX_PC};
    c.reg[MWI_CTX_BP] = m->regs[1];
    c.reg[MWI_CTX_SP] = m->stop_sp;
    mwi_unwind_init(&u, &c, false);
    mwi_unwind_allow(&u, m->stop_sp - 8, hi);
    /* its own return address, or that of a later call from the same function */
    mwi_unwind_load(&u, m->stop_sp - 8, &u.ctx.reg[MWI_CTX_PC]);
  } else { /* mwi_spill_call */
    mwi_unwind_saved(&u, m->stop_sp, 8, hi, m->stop_sp);
  }
  mwi_trace_take(t, &u, system);
}

/* Nothing of the user's on it: it has not begun. */
static void add_start(struct mwi_trace *t, const struct mwi_g *g) {
  if (t->total || !g->start_pc || g->foreign) return;
  t->pc[0] = g->start_pc + 1;
  t->total = 1;
}

/* ---- Sorting by number ---------------------------------------------------------------- */

static void sift_down(struct mwi_numbered *a, size_t i, size_t n) {
  for (size_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && a[child + 1].id > a[child].id) child++;
    if (a[i].id >= a[child].id) return;
    struct mwi_numbered k = a[i];
    a[i] = a[child];
    a[child] = k;
  }
}

/* Heapsort: in place, and libc's qsort may call malloc. */
static void sort(struct mwi_numbered *a, size_t n) {
  for (size_t i = n / 2; i-- > 0;) sift_down(a, i, n);
  for (size_t end = n; end-- > 1;) {
    struct mwi_numbered k = a[0];
    a[0] = a[end];
    a[end] = k;
    sift_down(a, 0, end);
  }
}

/* ---- In a living program ------------------------------------------------------------------ */

/*
 * What mwi_goroutines_take maps:
 *
 *   [ struct mwi_goroutines | by_id, n entries | traces, each cut after its last frame ]
 */
struct mwi_goroutines *mwi_goroutines_take(bool system) {
  struct mwi_context here;
  mwi_context_here(&here);
  mwi_attach();
  struct mwi_g *self = mwi_getg();
  mwi_stop_world();
  size_t n = 0;
  MWI_EACH_G(g)
  n += shown(g, system);
  struct mwi_goroutines *all = NULL;
  size_t head = sizeof *all + n * sizeof all->by_id[0];
  size_t bytes = mwi_align_up(head + n * sizeof(struct mwi_gtrace), mwi_os_page_bytes());
  all = mwi_os.map(bytes); /* only what gets written becomes resident */
  if (!all) {
    mwi_start_world();
    return NULL;
  }
  all->bytes = bytes;
  char *at = (char *)all + head;
  int64_t now = mwi_os_monotonic();
  MWI_EACH_G(g) {
    if (!shown(g, system)) continue;
    struct mwi_gtrace *t = (struct mwi_gtrace *)(void *)at;
    mwi_gtrace_describe(t, g, now);
    if (g == self) {
      struct mwi_unwind u;
      mwi_unwind_init(&u, &here, false);
      mwi_unwind_allow_current(&u);
      mwi_trace_take(&t->trace, &u, system);
    } else if (status_of(g) != MWI_G_RUNNING) {
      take_parked(&t->trace, g, system);
    } else if (g->m && g->m->tcb.g == g) {
      take_stopped_stw(&t->trace, g->m, system);
    } else {
      t->unavailable = true;
    }
    add_start(&t->trace, g);
    all->by_id[all->n++] = (struct mwi_numbered){t->id, t};
    at += offsetof(struct mwi_gtrace, trace.pc) + mwi_trace_len(&t->trace) * sizeof(uintptr_t);
  }
  mwi_start_world();
  sort(all->by_id, all->n);
  return all;
}

void mwi_goroutines_free(struct mwi_goroutines *all) {
  if (all) mwi_os.unreserve(all, all->bytes);
}

MWI_EXPORT void mw_print_goroutines(int fd) {
  bool system = mwi_knobs.traceback >= MWI_TRACEBACK_SYSTEM;
  struct mwi_line l;
  mwi_line_init(&l);
  struct mwi_goroutines *all = mwi_goroutines_take(system);
  int cancel = mwi_cancel_off();
  if (!all) {
    mwi_line_str(&l, "mw_print_goroutines: out of memory");
    mwi_line_end(&l, fd);
  }
  for (size_t i = 0; all && i < all->n; i++) {
    if (i) mwi_line_end(&l, fd);
    mwi_gtrace_print(fd, mwi_goroutines_at(all, i), system);
  }
  if (all) mwi_goroutines_free(all);
  mwi_cancel_back(cancel);
}

/* ---- In a dying one -------------------------------------------------------------------------- */

enum { ASKED, TAKING, TAKEN, GIVEN_UP };

/* One for each thread that was asked. */
struct frozen {
  struct mwi_m *m;       /* constant */
  int64_t cpu_ns;        /* constant: what its thread had had of a CPU when it was asked */
  struct mwi_g *g;       /* what it ran; by the thread, before TAKEN */
  _Atomic uint32_t done; /* release at TAKEN: g and trace are written */
  struct mwi_trace trace;
};
static struct frozen *frozen; /* constant before the first signal is sent */
static size_t nfrozen;
static bool frozen_system;

static void on_freeze(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  struct mwi_m *m = mwi_tcb()->m;
  for (size_t i = 0; i < nfrozen; i++) {
    struct frozen *f = &frozen[i];
    uint32_t asked = ASKED;
    if (f->m != m || !mwi_cas_acqrel(&f->done, &asked, TAKING)) continue;
    struct mwi_context c;
    struct mwi_unwind u;
    mwi_context_from_signal(&c, uc);
    mwi_unwind_init(&u, &c, true);
    mwi_unwind_allow_current(&u);
    f->g = m->tcb.g;
    mwi_trace_take(&f->trace, &u, frozen_system);
    mwi_store_release(&f->done, TAKEN); /* pairs with frozen_of */
    if (!mwi_text_contains(c.reg[MWI_CTX_PC])) return;
    for (;;) pause();
  }
}

static bool may_answer(const struct frozen *f, int64_t asked) {
  int64_t waited = mwi_os_monotonic() - asked, cpu_ns;
  if (waited < FREEZE_NS) return true;
  return waited < FREEZE_MOST_NS && mwi_os_thread_runnable(f->m->tid, &cpu_ns) &&
         cpu_ns - f->cpu_ns < FREEZE_NS;
}

void mwi_goroutines_freeze(bool system) {
  struct mwi_m *self = mwi_tcb()->m;
  size_t n = 0;
  /* A thread that is being made now is born HELD (sched/m.c).  Without its lock:
   * the holder may be frozen, and nobody clears it any more. */
  mwi_sched.world_stopped = true;
  atomic_thread_fence(memory_order_seq_cst);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) n++;
  frozen = mwi_os.map(n * sizeof *frozen + 1);
  if (!frozen) return; /* their stacks are unavailable */
  frozen_system = system;
  for (struct mwi_m *m = mwi_sched.all_m; m && nfrozen < n; m = m->next_all) {
    if (m == self || m->tid <= 0 || mwi_load_acquire(&m->state) == MWI_M_DEAD) continue;
    struct frozen *f = &frozen[nfrozen++];
    f->m = m;
    (void)mwi_os_thread_runnable(m->tid, &f->cpu_ns);
    mwi_store_seqcst(&m->stop_req, 1);
    mwi_store_seqcst(&m->tcb.poll, 1);
    uint32_t sys = MWI_M_SYS;
    mwi_cas_seqcst(&m->state, &sys, MWI_M_HELD);
  }
  struct sigaction sa = {.sa_sigaction = on_freeze,
                         .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigfillset(&sa.sa_mask);
  sigaction(MWI_STOP_SIGNAL, &sa, NULL);
  for (size_t i = 0; i < nfrozen; i++) mwi_os_signal_thread(frozen[i].m->tid, MWI_STOP_SIGNAL);
  int64_t asked = mwi_os_monotonic();
  for (size_t i = 0; i < nfrozen; i++)
    while (mwi_load_acquire(&frozen[i].done) != TAKEN && may_answer(&frozen[i], asked))
      mwi_os_usleep(50);
  for (size_t i = 0; i < nfrozen; i++) {
    uint32_t silent = ASKED;
    mwi_cas_acqrel(&frozen[i].done, &silent, GIVEN_UP);
  }
}

static const struct mwi_trace *frozen_of(const struct mwi_g *g) {
  for (size_t i = 0; i < nfrozen; i++)
    if (mwi_load_acquire(&frozen[i].done) == TAKEN && frozen[i].g == g) return &frozen[i].trace;
  return NULL;
}

static void print_frozen(int fd, struct mwi_g *g, bool system) {
  static struct mwi_gtrace t; /* one thread has the last word */
  struct mwi_line l;
  mwi_line_init(&l);
  mwi_gtrace_describe(&t, g, mwi_os_monotonic());
  if (status_of(g) != MWI_G_RUNNING) {
    take_parked(&t.trace, g, system);
  } else {
    const struct mwi_trace *taken = frozen_of(g);
    if (taken)
      t.trace = *taken;
    else
      t.unavailable = true;
  }
  if (!t.unavailable) add_start(&t.trace, g);
  mwi_line_end(&l, fd);
  mwi_gtrace_print(fd, &t, system);
}

void mwi_goroutines_print_frozen(int fd, const struct mwi_g *except, bool system) {
  size_t room = 0, n = 0;
  room = mwi_load_acquire(&mwi_sched.ng);
  struct mwi_numbered *order = mwi_os.map((room + 1) * sizeof *order);
  MWI_EACH_G(g) {
    if (g == except || !shown(g, system)) continue;
    if (!order)
      print_frozen(fd, g, system); /* no memory: in any order */
    else if (n < room)
      order[n++] = (struct mwi_numbered){g->id, g};
  }
  sort(order, n);
  for (size_t i = 0; i < n; i++) print_frozen(fd, order[i].p, system);
}
