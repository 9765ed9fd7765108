/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/fold_segv.c -- folding beside the program's own handlers of SIGSEGV [N4]
 *
 *     fold_segv CASE
 *
 * Cases    stray      with a handler: stacks fold, accesses to them are no concern of its, its
 *                     own faults are
 *          jump       it leaves by siglongjmp, on either stack, from faults of many goroutines,
 *                     while stacks are touched and folded
 *          own-stack  the same on a signal stack of the program's own, wherever it lies
 *          overflow   the handler leaves a stack that is full
 *          once       SA_RESETHAND and sysv_signal: used up by faults of the program's only
 *          told       sigaction tells what was asked; SIG_DFL and SIG_IGN do what they say
 *          masked     with SIGSEGV blocked, by a mask or during another handler
 *          notified   mw_signal_notify(SIGSEGV)
 *          plain      a handler that a library installs by itself: nothing is folded
 * Run with GODEBUG=foldstress=1 as well, and without guard markers.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../parked.h"
#include "../check.h"
#include "cell.h"

/* ---- A goroutine with a cell on its stack that others reach -------------- */

typedef struct cell {
  _Atomic uintptr_t at;
  mw_chan *ch;
  _Atomic uint64_t last;
} cell;

static mw_waitgroup done;

static void holder(void *arg) {
  cell *c = arg;
  c->last = cell_hold(&c->at, c->ch);
  mw_waitgroup_done(&done);
}
static cell *begin(void) {
  cell *c = mw_new(cell);
  c->ch = mw_chan_make(char, 0);
  mw_waitgroup_add(&done, 1);
  mw_go(holder, c);
  while (!c->at) mw_yield();
  until_parked(1, "[chan receive");
  return c;
}
static void end(cell *c, uint64_t expected) {
  mw_chan_send(c->ch, (char)1);
  mw_waitgroup_wait(&done);
  CHECK_EQ(c->last, expected);
}

/* Fold and touch, n times: how often it was folded. */
static int touch(cell *c, int n, uint64_t *wrote) {
  int folds = 0;
  for (int i = 0; i < n; i++) {
    mw_gc();
    mw_gc();
    folds += stacks_folded() > 0;
    if (i % 2)
      *wrote += plain_add(c->at, 1);
    else
      *(volatile uint64_t *)(uintptr_t)c->at = ++*wrote;
    CHECK_EQ(*(volatile uint64_t *)(uintptr_t)c->at, *wrote);
  }
  return folds;
}

static void expect_folds(cell *c, uint64_t *wrote) {
  CHECK(touch(c, 20, wrote) > 10);
}

/* ---- stray ---------------------------------------------------------------- */

static char *bad; /* a page without access */
static _Atomic int handled;

static void mends(int sig, siginfo_t *info, void *uc) {
  CHECK(sig == SIGSEGV && uc && info->si_addr == bad + 8);
  CHECK(mprotect(bad, 4096, PROT_READ | PROT_WRITE) == 0);
  handled++;
}
static void break_it(void) {
  CHECK(mprotect(bad, 4096, PROT_NONE) == 0);
}

static void stray(void) {
  static const int flags[] = {0, SA_ONSTACK, SA_NODEFER, SA_ONSTACK | SA_NODEFER | SA_RESTART};
  cell *c = begin();
  uint64_t wrote = 0;
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    struct sigaction sa = {.sa_sigaction = mends, .sa_flags = SA_SIGINFO | flags[i]};
    if (i % 2) sigfillset(&sa.sa_mask);
    CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
    handled = 0;
    for (int k = 0; k < 5; k++) {
      CHECK(touch(c, 4, &wrote) > 1);
      CHECK_EQ(handled, k);
      break_it();
      ((volatile char *)bad)[8] = 1;
      CHECK_EQ(handled, k + 1);
    }
  }
  end(c, wrote);
}

/* ---- jump ----------------------------------------------------------------- */

static _Thread_local sigjmp_buf *env; /* no switch between its store and the fault */
static void leaves(int sig) {
  handled++;
  siglongjmp(*env, sig);
}

/* 1: the access faulted. */
__attribute__((noinline)) static int faults(volatile char *p) {
  sigjmp_buf here;
  if (sigsetjmp(here, 1)) return 1;
  env = &here;
  *p = 1;
  return 0;
}

static void jumper(void *arg) {
  cell *c = arg;
  rng r = rng_for((uintptr_t)c);
  for (int i = 0; i < 100; i++) {
    char *p = rng_below(&r, 4) ? bad : NULL;
    CHECK_EQ(faults(p), 1);
    plain_add(c->at, 1);
    if (rng_below(&r, 3) == 0) mw_sleep(20000);
    if (rng_below(&r, 16) == 0) mw_gc();
  }
  mw_waitgroup_done(&done);
}

static void jump(void) {
  for (int onstack = 0; onstack < 2; onstack++) {
    struct sigaction sa = {.sa_handler = leaves, .sa_flags = onstack ? SA_ONSTACK : 0};
    CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
    handled = 0;
    cell *c = begin();
    enum { N = 4 };
    mw_waitgroup_add(&done, N);
    for (int i = 0; i < N; i++) mw_go(jumper, c);
    while (mw_num_goroutine() > 2) mw_sleep(1000000);
    CHECK_EQ(handled, N * 100);
    uint64_t wrote = N * 100;
    expect_folds(c, &wrote);
    end(c, wrote);
  }
}

static void own_stack(void) {
  mw_thread_lock(); /* whose signal stack it is */
  struct sigaction sa = {.sa_handler = leaves, .sa_flags = SA_ONSTACK};
  CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
  cell *c = begin();
  uint64_t wrote = 0;
  for (int i = 0; i < 40; i++) {
    char *at = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t ss = {.ss_sp = at, .ss_size = 65536};
    CHECK(at != MAP_FAILED && sigaltstack(&ss, NULL) == 0);
    CHECK_EQ(faults(bad), 1);
    mw_yield(); /* the handler that was left does not count any more */
    mw_sleep(1000);
    touch(c, 1, &wrote);
  }
  CHECK_EQ(handled, 40);
  end(c, wrote);
  mw_thread_unlock();
}

__attribute__((noinline)) static long fill(long n) {
  volatile char frame[300];
  frame[n % 300] = 1;
  return n < 0 ? 0 : fill(n + 1) + frame[n % 300];
}
__attribute__((noinline)) static int overflows(void) {
  sigjmp_buf here;
  if (sigsetjmp(here, 1)) return 1;
  env = &here;
  return (int)fill(0);
}
static void fills(void *arg) {
  cell *c = arg;
  CHECK_EQ(overflows(), 1);
  plain_add(c->at, 1);
  mw_gc();
  CHECK_EQ(overflows(), 1);
  mw_waitgroup_done(&done);
}
static void overflow(void) {
  struct sigaction sa = {.sa_handler = leaves, .sa_flags = SA_ONSTACK};
  CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
  cell *c = begin();
  for (int i = 0; i < 5; i++) {
    mw_waitgroup_add(&done, 1);
    mw_go_stack(fills, c, 100000);
    while (mw_num_goroutine() > 2) mw_sleep(1000000);
  }
  CHECK_EQ(handled, 10);
  uint64_t wrote = 5;
  expect_folds(c, &wrote);
  end(c, wrote);
}

/* ---- once, told ------------------------------------------------------------ */

static void counts(int sig) {
  CHECK_EQ(sig, SIGSEGV);
  CHECK(mprotect(bad, 4096, PROT_READ | PROT_WRITE) == 0);
  handled++;
}

/* What fn does to a child: its status. */
static int child(void (*fn)(void *), void *arg) {
  fflush(stdout);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    fn(arg);
    _exit(7);
  }
  int status;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  return status;
}
static void writes(void *p) {
  *(volatile char *)p = 1;
}
/* To itself; then it waits for its end, or goes on soon. */
static void sends(void *is_the_end) {
  kill(getpid(), SIGSEGV);
  for (int i = 0; is_the_end || i < 20; i++) mw_sleep(1000000);
}
static bool killed(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}
static bool lived(int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

typedef void handler_fn(int);
handler_fn *__sysv_signal(int sig, handler_fn *fn);

static void once(void) {
  cell *c = begin();
  uint64_t wrote = 0;
  for (int how = 0; how < 2; how++) {
    handled = 0;
    if (how == 0) {
      struct sigaction sa = {.sa_handler = counts, .sa_flags = (int)SA_RESETHAND};
      CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
    } else {
      CHECK(__sysv_signal(SIGSEGV, counts) == SIG_DFL);
    }
    expect_folds(c, &wrote);
    struct sigaction now;
    CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == counts);
    break_it();
    ((volatile char *)bad)[8] = 1;
    CHECK_EQ(handled, 1);
    CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    expect_folds(c, &wrote); /* by then nobody handles it, as far as the program knows */
    break_it();
    CHECK(killed(child(writes, bad)));
  }
  end(c, wrote);
}

static void told(void) {
  struct sigaction first, now;
  CHECK(sigaction(SIGSEGV, NULL, &first) == 0);
  cell *c = begin();
  uint64_t wrote = 0;
  struct sigaction sa = {.sa_sigaction = mends, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaddset(&sa.sa_mask, SIGUSR1);
  CHECK(sigaction(SIGSEGV, &sa, NULL) == 0 && sigaction(SIGSEGV, NULL, &now) == 0);
  CHECK(now.sa_sigaction == mends && (now.sa_flags & SA_NODEFER) && !(now.sa_flags & SA_ONSTACK));
  CHECK(sigismember(&now.sa_mask, SIGUSR1) == 1 && sigismember(&now.sa_mask, SIGUSR2) == 0);
  expect_folds(c, &wrote);

  CHECK(signal(SIGSEGV, SIG_IGN) == (handler_fn *)(uintptr_t)mends);
  expect_folds(c, &wrote);
  CHECK(lived(child(sends, NULL)));
  CHECK(killed(child(writes, NULL))); /* no fault can be ignored */

  CHECK(signal(SIGSEGV, SIG_DFL) == SIG_IGN);
  CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
  expect_folds(c, &wrote);
  CHECK(killed(child(sends, bad)));
  CHECK(killed(child(writes, NULL)));

  sa = (struct sigaction){.sa_handler = counts};
  sigfillset(&sa.sa_mask);
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0 && sigaction(SIGUSR1, NULL, &now) == 0);
  CHECK(sigismember(&now.sa_mask, SIGSEGV) == 1);

  CHECK(sigaction(SIGSEGV, &first, &now) == 0 && now.sa_handler == SIG_DFL); /* the runtime's */
  CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_sigaction == first.sa_sigaction);
  expect_folds(c, &wrote);
  handler_fn *runtimes = signal(SIGSEGV, counts);
  CHECK(runtimes == (handler_fn *)(uintptr_t)first.sa_sigaction);
  CHECK(signal(SIGSEGV, runtimes) == counts); /* who has saved it by signal() has no flags of it */
  CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_flags == first.sa_flags);
  expect_folds(c, &wrote);
  CHECK(signal(SIGSEGV, counts) == runtimes);
  mw_signal_reset(SIGSEGV);
  CHECK(sigaction(SIGSEGV, NULL, &now) == 0 && now.sa_sigaction == first.sa_sigaction);
  expect_folds(c, &wrote);
  end(c, wrote);
}

/* ---- masked, notified, plain ------------------------------------------------ */

static cell *touched;
static void touches(int sig) {
  (void)sig;
  plain_add(touched->at, 1);
  handled++;
}

static void masked(void) {
  cell *c = touched = begin();
  uint64_t wrote = 0;
  struct sigaction sa = {.sa_handler = touches};
  sigfillset(&sa.sa_mask);
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  for (int i = 0; i < 10; i++) {
    mw_gc();
    mw_gc();
    raise(SIGUSR1);
    wrote++;
  }
  CHECK_EQ(handled, 10);
  sigset_t all, old;
  sigfillset(&all);
  CHECK(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
  expect_folds(c, &wrote);
  CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
  expect_folds(c, &wrote);
  end(c, wrote);
}

static void notified(void) {
  cell *c = begin();
  uint64_t wrote = 0;
  CHECK(signal(SIGSEGV, counts) != SIG_ERR);
  mw_chan *ch = mw_chan_make(int, 1);
  mw_signal_notify(ch, SIGSEGV);
  expect_folds(c, &wrote);
  kill(getpid(), SIGSEGV);
  int sig;
  CHECK(mw_chan_recv(ch, &sig) && sig == SIGSEGV);
  mw_signal_stop(ch);
  expect_folds(c, &wrote);
  kill(getpid(), SIGSEGV);
  while (!handled) mw_yield();
  end(c, wrote);
}

static void plain(void) {
  plain_handle(SIGSEGV, counts);
  cell *c = begin();
  for (int i = 0; i < 5; i++) mw_gc();
  CHECK_EQ(stacks_folded(), 0);
  break_it();
  ((volatile char *)bad)[8] = 1;
  CHECK_EQ(handled, 1);
  end(c, 0);
  uint64_t wrote = 0;
  CHECK(signal(SIGSEGV, counts) == counts); /* by compiled code: now they fold */
  c = begin();
  expect_folds(c, &wrote);
  end(c, wrote);
}

int main(int argc, char **argv) {
  static const struct check_case cases[] = {
      {"stray", stray},   {"own-stack", own_stack}, {"overflow", overflow},
      {"jump", jump},     {"once", once},           {"told", told},
      {"masked", masked}, {"notified", notified},   {"plain", plain}};
  check_start();
  bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(bad != MAP_FAILED);
  return CHECK_CASE(cases, argc, argv);
}
