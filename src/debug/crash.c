/* SPDX-License-Identifier: MIT */
/*
 * debug/crash.c -- signals that end the process
 *
 * Job      Turn a fault into Go's report: what the signal was, where, on which
 *          goroutine; then die of that signal, so that shells, supervisors and
 *          core dumps see it.  A fault in a goroutine stack's guard is an
 *          overflow: a fatal error, exit status 2.  One in a folded stack is
 *          nothing of the kind: sched/fold.c brings the stack back.  SIGQUIT prints every
 *          goroutine and exits with 2.
 * Promise  [CR1] A handler of the program's own wins: one that exists is left
 *          alone, one that comes later replaces ours (sched/signal.c keeps
 *          faults in folded stacks from it).  A signal that the program ignores
 *          stays ignored; one that it was started with ignored does not, as in Go:
 *          shells ignore SIGQUIT for what they start in the background.
 * Stack    the thread's signal stack (sched/m.c), as the faulting one may be
 *          full.
 */
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "debug/fatal.h"
#include "debug/line.h"
#include "os/os.h"
#include "sched/proc.h"
#include "sched/stack.h"

#define NIL_BYTES 4096 /* faults below are dereferences of NULL or of a small offset from it */
#define NEAR_SP 65536  /* a push or a frame's probe faults this close to the stack pointer */

static const char *signal_words(int sig) {
  switch (sig) {
  case SIGSEGV:
    return "SIGSEGV: segmentation violation";
  case SIGBUS:
    return "SIGBUS: bus error";
  case SIGFPE:
    return "SIGFPE: floating-point exception";
  case SIGILL:
    return "SIGILL: illegal instruction";
  case SIGQUIT:
    return "SIGQUIT: quit";
  default:
    return "signal";
  }
}

static void say(struct mwi_line *l, const char *text) {
  mwi_line_str(l, text);
  mwi_line_end(l, 2);
}

/* `fatal error: ...` for a fault in the program. */
static void say_fault(struct mwi_line *l, int sig, const siginfo_t *info) {
  uintptr_t addr = (uintptr_t)info->si_addr;
  bool by_kernel = info->si_code > 0 && info->si_code != SI_KERNEL; /* addr is known */
  switch (sig) {
  case SIGFPE:
    say(l, info->si_code == FPE_INTDIV   ? "fatal error: integer divide by zero"
           : info->si_code == FPE_INTOVF ? "fatal error: integer overflow"
                                         : "fatal error: floating point error");
    return;
  case SIGILL:
    say(l, "fatal error: illegal instruction");
    return;
  default:
    break;
  }
  if (by_kernel && addr < NIL_BYTES) {
    say(l, "fatal error: invalid memory address or nil pointer dereference");
    return;
  }
  if (by_kernel) {
    mwi_line_str(l, "unexpected fault address ");
    mwi_line_hex(l, addr);
    mwi_line_end(l, 2);
  }
  say(l, "fatal error: fault");
}

/* [signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x401136] */
static void say_signal(struct mwi_line *l, int sig, const siginfo_t *info, uintptr_t pc) {
  mwi_line_str(l, "[signal ");
  mwi_line_str(l, signal_words(sig));
  mwi_line_str(l, " code=");
  mwi_line_hex(l, (uint32_t)info->si_code);
  mwi_line_str(l, " addr=");
  mwi_line_hex(l, info->si_code > 0 ? (uintptr_t)info->si_addr : 0);
  mwi_line_str(l, " pc=");
  mwi_line_hex(l, pc);
  say(l, "]");
}

/* How large the calling thread's own stack may be.  0: not known, or there is no limit. */
static size_t own_stack_limit(void) {
  const struct mwi_m *m = mwi_tcb()->m;
  struct rlimit r;
  if (!m) return 0;
  if (m->stack_lo) return m->stack_hi - m->stack_lo;
  return getrlimit(RLIMIT_STACK, &r) == 0 && r.rlim_cur != RLIM_INFINITY ? (size_t)r.rlim_cur : 0;
}

/* A full stack: a goroutine's, or a thread's own. */
static bool overflow(int sig, const siginfo_t *info, uintptr_t sp, const char **whose,
                     size_t *limit) {
  if (sig != SIGSEGV || info->si_code <= 0) return false;
  uintptr_t addr = (uintptr_t)info->si_addr;
  *whose = "goroutine";
  if (mwi_stack_guard_hit(addr, limit)) return true;
  struct mwi_tcb *tcb = mwi_tcb();
  bool own_stack = !tcb->g || tcb->g->foreign;
  *whose = "thread";
  *limit = own_stack ? own_stack_limit() : 0;
  return own_stack && addr >= NIL_BYTES && addr < sp + 256 && sp - addr + 256 < NEAR_SP;
}

static void say_overflow(struct mwi_line *l, uintptr_t sp, const char *whose, size_t limit) {
  const struct mwi_g *g = mwi_tcb()->g;
  if (limit) {
    mwi_line_str(l, "runtime: ");
    mwi_line_str(l, whose);
    mwi_line_str(l, " stack exceeds ");
    mwi_line_udec(l, limit);
    say(l, "-byte limit");
  }
  if (limit && g && !g->foreign) {
    mwi_line_str(l, "runtime: sp=");
    mwi_line_hex(l, sp);
    mwi_line_str(l, " stack=[");
    mwi_line_hex(l, g->stack.lo);
    mwi_line_str(l, ", ");
    mwi_line_hex(l, g->stack.hi);
    say(l, "]");
  }
  say(l, "fatal error: stack overflow");
}

static void on_crash(int sig, siginfo_t *info, void *uc) {
  static struct mwi_line l; /* after mwi_last_word there is one writer */
  if (mwi_signal_fault_is_ours(sig, info, uc)) return;
  struct mwi_context ctx;
  mwi_context_from_signal(&ctx, uc);
  struct mwi_death death = {.ctx = &ctx, .exact = true, .signal = sig};
  if (!mwi_last_word()) {
    if (sig == SIGQUIT) return; /* asked again: the report goes on, as timeout(1) asks twice */
    mwi_line_init(&l);
    say_signal(&l, sig, info, ctx.reg[MWI_CTX_PC]);
    _exit(2);
  }
  mwi_line_init(&l);
  uintptr_t sp = ctx.reg[MWI_CTX_SP];
  const char *whose;
  size_t limit;
  if (sig == SIGQUIT) {
    say(&l, signal_words(sig));
    mwi_line_str(&l, "PC=");
    mwi_line_hex(&l, ctx.reg[MWI_CTX_PC]);
    mwi_line_end(&l, 2);
    death.all = true;
    death.signal = 0;
  } else if (overflow(sig, info, sp, &whose, &limit)) {
    say_overflow(&l, sp, whose, limit);
    death.signal = 0;
  } else {
    say_fault(&l, sig, info);
    say_signal(&l, sig, info, ctx.reg[MWI_CTX_PC]);
  }
  mwi_die(&death);
}

/* Is the handler for SIGSEGV ours, be it that the program's comes after it? */
static bool faults_reach_us(void) {
  struct sigaction now;
  if (sigaction(SIGSEGV, NULL, &now) != 0) return false;
  return ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_crash) ||
         mwi_signal_passes_faults(&now);
}

static void install(bool at_start) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGQUIT};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction old;
    if (sigaction(signals[i], NULL, &old) != 0) continue;
    bool inherited = at_start && old.sa_handler == SIG_IGN;
    if (old.sa_handler != SIG_DFL && !inherited) continue; /* [CR1] */
    struct sigaction sa = {.sa_sigaction = on_crash, .sa_flags = MWI_FAULT_FLAGS};
    sigaction(signals[i], &sa, NULL);
  }
}

/* The program gives a signal its default back. */
static void install_again(void) {
  install(false);
}

void mwi_crash_init(void) { /* before there are threads: what reads these takes no lock */
  mwi_signal_fault = on_crash;
  mwi_signal_defaults = install_again;
  mwi_faults_reach_us = faults_reach_us;
  install(true);
}
