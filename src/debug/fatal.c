/* SPDX-License-Identifier: MIT */
/*
 * debug/fatal.c -- mwi_fatal: the message, the traces, exit status 2
 *
 * Promise  [FA1] The message leaves in one write, before anything that could
 *          fail: no allocation, no lock.  [FA2] One thread speaks; a second
 *          failure on it ends the process at once, other threads wait.
 *          [FA3] It ends: what may hang or fault (libdw, malloc) is guarded
 *          (debug/symbol.h, [Y2]), other threads are not waited for, unless they
 *          wait for a CPU (a minute at most; debug/goroutines.c).
 * How      Names and lines need more stack than a signal's or a nearly full
 *          goroutine's has: traces are printed on a stack kept for this.
 *          GOTRACEBACK=single prints the goroutine that failed; when the
 *          failing code is none (a deadlock is found by the scheduler), all of
 *          them, as Go does.
 * Next     debug/goroutines.c freezes the other threads and lists goroutines.
 */
#include "debug/fatal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/knobs.h"
#include "debug/goroutines.h"
#include "debug/line.h"
#include "debug/symbol.h"
#include "os/os.h"
#include "sched/proc.h"

#define MESSAGE_BYTES 1024

static _Atomic int32_t speaker; /* tid of the thread with the last word, 0 none */

bool mwi_last_word(void) {
  mwi_rt_enter(); /* not to be stopped any more */
  int32_t me = mwi_os_tid(), nobody = 0;
  if (mwi_cas_acqrel(&speaker, &nobody, me)) return true;
  if (nobody == me) return false;
  for (;;) pause();
}

static bool on_stack_of(const struct mwi_g *g, uintptr_t sp) {
  if (!g->foreign) return sp >= g->stack.lo && sp < g->stack.hi;
  return g->m && sp < g->m->stack_hi; /* its thread's */
}

/* ---- On the last stack -------------------------------------------------------- */

#define LAST_STACK_BYTES (512 * MWI_KB)
static char last_stack[LAST_STACK_BYTES] MWI_ALIGNED(4096);

static void headline(const char *text, int64_t number) {
  struct mwi_line l;
  mwi_line_init(&l);
  mwi_line_end(&l, 2); /* an empty line between traces */
  mwi_line_str(&l, text);
  if (number) mwi_line_dec(&l, number);
  mwi_line_str(&l, ":");
  mwi_line_end(&l, 2);
}

static _Noreturn void end(int sig) {
  if (sig) {
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigaction(sig, &dfl, NULL);
    mwi_os_signal_thread(mwi_os_tid(), sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL); /* here it dies */
  }
  _exit(2);
}

static void report(void *arg) {
  const struct mwi_death *d = arg;
  bool system = mwi_knobs.traceback >= MWI_TRACEBACK_SYSTEM;
  struct mwi_tcb *tcb = mwi_tcb();
  struct mwi_g *g = tcb->g;
  if (g && !on_stack_of(g, d->ctx->reg[MWI_CTX_SP]) && !d->exact) g = NULL;
  /* parked, on the thread that it is bound to: a deadlock is everybody's */
  if (g && (mwi_load_relaxed(&g->status) & ~(uint32_t)MWI_G_SCAN) == MWI_G_WAITING) g = NULL;
  /* a signal's code may stand on a stack of the user's: it is g's all the same */
  bool foreign = !tcb->attached;
  bool all = d->all || mwi_knobs.traceback >= MWI_TRACEBACK_ALL || (!g && !foreign);

  static struct mwi_gtrace t; /* [FA2] makes it ours */
  struct mwi_unwind u;
  mwi_unwind_init(&u, d->ctx, d->exact);
  mwi_unwind_allow_current(&u);
  if (all) mwi_goroutines_freeze(system);
  if (g) {
    mwi_gtrace_describe(&t, g, mwi_os_monotonic());
    t.state = "running";
  }
  mwi_trace_take(&t.trace, &u, system);

  mwi_symbol_last_words();
  if (g) {
    struct mwi_line l;
    mwi_line_init(&l);
    mwi_line_end(&l, 2);
    mwi_gtrace_print(2, &t, system);
  } else if (foreign || system) {
    headline(foreign ? "thread " : "runtime stack", foreign ? mwi_os_tid() : 0);
    mwi_trace_print(2, &t.trace, system);
  }
  if (all) mwi_goroutines_print_frozen(2, g, system);
  end(d->signal); /* no way back: a signal may have used the stack that we came from */
}

/* Only what ends the process may still interrupt it. */
static void block_signals(void) {
  static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM, SIGHUP};
  sigset_t set;
  sigfillset(&set);
  for (size_t i = 0; i < sizeof open / sizeof *open; i++) sigdelset(&set, open[i]);
  sigprocmask(SIG_SETMASK, &set, NULL);
}

_Noreturn void mwi_die(const struct mwi_death *d) {
  block_signals();
  static struct mwi_context ctx; /* a second signal may overwrite the stack that *d is on */
  static struct mwi_death death;
  ctx = *d->ctx;
  death = *d;
  death.ctx = &ctx;
  if (mwi_knobs.traceback == MWI_TRACEBACK_CRASH && !death.signal) death.signal = SIGABRT;
  if (mwi_knobs.traceback != MWI_TRACEBACK_NONE) {
    mprotect(last_stack, 4096, PROT_NONE);
    mwi_call_on_stack(report, &death, last_stack + LAST_STACK_BYTES);
  }
  end(death.signal);
}

/* ---- The entry point ------------------------------------------------------------ */

/* Weak: unit tests of lower layers put their own in its place. */
__attribute__((weak)) _Noreturn void mwi_fatal(const char *format, ...) {
  struct mwi_context ctx;
  mwi_context_here(&ctx);
  char text[MESSAGE_BYTES];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap); /* no allocation for what the runtime formats */
  va_end(ap);
  bool first = mwi_last_word();
  struct mwi_line l;
  mwi_line_init(&l);
  mwi_line_str(&l, "fatal error: ");
  mwi_line_str(&l, text);
  mwi_line_end(&l, 2);
  if (!first) _exit(2);
  mwi_die(&(struct mwi_death){.ctx = &ctx});
}
