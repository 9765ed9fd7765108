/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/signals.c -- signals of the program's
 *
 *     signals CASE
 *
 *   notify        to several channels, from goroutines, threads and the shell;
 *                 nothing is lost that has room, nothing blocks that has none; a
 *                 program that only waits for a signal is not deadlocked
 *   stop          nothing comes after mw_signal_stop; what was there is back
 *   dispositions  sigaction and signal tell the program what it told them
 *   given-back    the runtime's own handler, saved and given back by signal(): channels go on; it
 *                 is as before when none listens; who asks last gets the signal
 *   quit-given-back   the same of what reports
 *   older         siginterrupt, System V's and BSD's functions
 *   handlers      a storm of handlers with loops, beside code that allocates and
 *                 collects: they interrupt barriers, allocations, the runtime
 *   altstack      SA_ONSTACK: on another stack, whoever is interrupted
 *   jump          siglongjmp out of handlers; the goroutine yields after it
 *   mask          what is blocked stays so for the goroutine that blocked it
 *   libc          what POSIX allows in handlers: write, nanosleep, fork, exec
 *   pipe          SIGPIPE: EPIPE when ignored, death when not
 *   quit, segv    the runtime's reports
 *   ignored       SIGQUIT ignored by the program
 *   inherited     SIGQUIT ignored when the program was started (by a shell, for its background)
 *   blocks, allocates, size, kill   misuse
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../../parked.h"
#include "../check.h"
#include "beside.h"

static _Atomic int handled;
static _Atomic int wanted; /* how often a handler shall spin */

static int next(mw_chan *ch) {
  int sig = 0;
  CHECK(mw_chan_recv(ch, &sig));
  return sig;
}

/* ---- Channels ---------------------------------------------------------------- */

static void *from_thread(void *sig) {
  kill(getpid(), (int)(uintptr_t)sig);
  return NULL;
}

static void notify(void) {
  begin(churns);
  begin(collects);
  mw_chan *a = mw_chan_make(int, 4), *b = mw_chan_make(int, 4), *full = mw_chan_make(int, 0);
  mw_signal_notify(a, SIGUSR1);
  mw_signal_notify(b, SIGUSR1);
  mw_signal_notify(b, SIGUSR2);
  mw_signal_notify(full, SIGUSR2); /* nobody receives */
  for (int i = 0; i < 100; i++) {
    kill(getpid(), SIGUSR1);
    CHECK(next(a) == SIGUSR1 && next(b) == SIGUSR1);
    kill(getpid(), SIGUSR2);
    CHECK(next(b) == SIGUSR2);
    pthread_t t;
    CHECK(pthread_create(&t, NULL, from_thread, (void *)SIGUSR1) == 0);
    CHECK(next(a) == SIGUSR1 && next(b) == SIGUSR1);
    pthread_join(t, NULL);
    char command[64];
    snprintf(command, sizeof command, "kill -USR2 %d", (int)getpid());
    if (i % 10 == 0) {
      CHECK(system(command) == 0);
      CHECK(next(b) == SIGUSR2);
    }
  }
  CHECK(mw_chan_len(a) == 0 && mw_chan_len(b) == 0);
  for (int i = 0; i < 1000; i++) kill(getpid(), SIGUSR1); /* more than there is room for */
  CHECK(next(a) == SIGUSR1);
  CHECK(mw_chan_len(a) <= 4);
  finish();
  mw_signal_notify(full, SIGALRM);
  alarm(1); /* everybody waits, and a signal will come */
  CHECK(next(full) == SIGALRM);
}

static void count(int sig) {
  CHECK(sig == SIGUSR1);
  handled++;
}

static void stop(void) {
  signal(SIGUSR1, count);
  mw_chan *ch = mw_chan_make(int, 100);
  for (int i = 0; i < 50; i++) {
    mw_signal_notify(ch, SIGUSR1);
    raise(SIGUSR1); /* on this thread, now */
    if (i % 2) CHECK(next(ch) == SIGUSR1);
    mw_signal_stop(ch);
    size_t n = mw_chan_len(ch);
    CHECK(n == (i % 2 ? 0 : 1)); /* which had come before */
    handled = 0;
    kill(getpid(), SIGUSR1);
    while (!handled) mw_yield(); /* the program's handler has it */
    CHECK(mw_chan_len(ch) == n);
    while (mw_chan_try_recv(ch, NULL) == 1) continue;
  }
  mw_signal_notify(ch, SIGUSR2);
  mw_signal_ignore(SIGUSR2);
  kill(getpid(), SIGUSR2);
  mw_sleep(5000000);
  CHECK(mw_chan_len(ch) == 0);
  mw_signal_stop(ch);
  kill(getpid(), SIGUSR2); /* ignored still */
  mw_signal_stop(ch);
  pid_t pid = fork();
  if (pid == 0) {
    mw_signal_reset(SIGUSR2);
    kill(getpid(), SIGUSR2);
    for (;;) mw_sleep(1000000);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR2);
}

typedef void handler_fn(int);

/* With `before` handling it otherwise. */
static void give_back(handler_fn *before) {
  mw_chan *ch = mw_chan_make(int, 4), *second = mw_chan_make(int, 4);
  CHECK(signal(SIGUSR1, before) != SIG_ERR);
  mw_signal_notify(ch, SIGUSR1);
  for (int i = 0; i < 3; i++) { /* as who saves it while something runs that is not to see it */
    handler_fn *saved = signal(SIGUSR1, SIG_IGN);
    CHECK(saved != before);
    raise(SIGUSR1);
    CHECK(signal(SIGUSR1, saved) == SIG_IGN && mw_chan_len(ch) == 0);
    raise(SIGUSR1);
    CHECK(next(ch) == SIGUSR1);
  }
  mw_signal_stop(ch);
  CHECK(signal(SIGUSR1, before) == before);

  mw_signal_notify(ch, SIGUSR1);
  handler_fn *stale = signal(SIGUSR1, SIG_IGN);
  mw_signal_stop(ch); /* which leaves what the program has asked for since */
  CHECK(signal(SIGUSR1, stale) == SIG_IGN);
  CHECK(signal(SIGUSR1, before) == before);

  mw_signal_notify(ch, SIGUSR1);
  CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
  mw_signal_notify(second, SIGUSR1);
  raise(SIGUSR1);
  CHECK(next(second) == SIGUSR1 && next(ch) == SIGUSR1);
  mw_signal_stop(ch);
  raise(SIGUSR1);
  CHECK(next(second) == SIGUSR1);
  mw_signal_stop(second);
  CHECK(signal(SIGUSR1, before) == SIG_IGN);
  CHECK(handled == 0);
}

static void given_back(void) {
  give_back(SIG_DFL);
  give_back(SIG_IGN);
  give_back(count);
  raise(SIGUSR1);
  CHECK(handled == 1);
}

/* ---- What came before sigaction ------------------------------------------------ */

#pragma clang diagnostic ignored "-Wdeprecated-declarations"

static bool held(int sig) {
  sigset_t now;
  CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
  return sigismember(&now, sig) == 1;
}

static int bytes[2];

/* When main waits in a read, the signal; when that has been handled, a byte, if one is wanted. */
static void disturbs(void *wanted_) {
  until_parked(1, "[IO wait");
  int before = handled;
  kill(getpid(), SIGUSR1);
  while (handled == before) mw_yield();
  if (wanted_) CHECK(write(bytes[1], "x", 1) == 1);
}

static void read_ends(bool ends) {
  char c;
  mw_go(disturbs, ends ? NULL : bytes);
  errno = 0;
  ssize_t n = read(bytes[0], &c, 1);
  CHECK(ends ? n == -1 && errno == EINTR : n == 1);
}

static void interrupts(void) {
  CHECK(pipe(bytes) == 0);
  CHECK(signal(SIGUSR1, count) != SIG_ERR);
  read_ends(false);
  CHECK(siginterrupt(SIGUSR1, 1) == 0);
  read_ends(true);
  CHECK(signal(SIGUSR1, count) == count); /* goes by it */
  read_ends(true);
  CHECK(siginterrupt(SIGUSR1, 0) == 0);
  read_ends(false);
  errno = 0;
  CHECK(siginterrupt(0, 1) == -1 && errno == EINVAL);
}

static void allocates_there(int sig);

static void system_v(void) {
  handled = 0;
  CHECK(signal(SIGUSR1, SIG_DFL) == count && sigset(SIGUSR1, count) == SIG_DFL);
  raise(SIGUSR1);
  raise(SIGUSR1);
  CHECK(handled == 2 && sigset(SIGUSR1, SIG_HOLD) == count && held(SIGUSR1));
  raise(SIGUSR1);
  CHECK(handled == 2 && sigset(SIGUSR1, count) == SIG_HOLD && handled == 3 && !held(SIGUSR1));
  CHECK(sighold(SIGUSR1) == 0 && held(SIGUSR1));
  raise(SIGUSR1);
  CHECK(handled == 3);
  errno = 0;
  CHECK(sigpause(SIGUSR1) == -1 && errno == EINTR && handled == 4 && held(SIGUSR1));
  CHECK(sigrelse(SIGUSR1) == 0 && !held(SIGUSR1));
  CHECK(sigignore(SIGUSR1) == 0);
  raise(SIGUSR1);
  CHECK(handled == 4 && ssignal(SIGUSR1, count) == SIG_IGN);
  errno = 0;
  CHECK(sigset(0, count) == SIG_ERR && errno == EINVAL && sighold(1000) == -1);
  /* it runs as every handler of the program's does */
  pid_t pid = fork();
  if (pid == 0) {
    close(STDERR_FILENO);
    sigset(SIGUSR2, allocates_there);
    raise(SIGUSR2);
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

static void bsd(void) {
  int usr1 = 1 << (SIGUSR1 - 1), usr2 = 1 << (SIGUSR2 - 1), before = siggetmask();
  CHECK((before & (usr1 | usr2)) == 0);
  CHECK(sigblock(usr1) == before && held(SIGUSR1) && sigblock(usr2) == (before | usr1));
  CHECK(siggetmask() == (before | usr1 | usr2));
  pid_t tid = gettid();
  for (int i = 0; i < 20; i++) {
    mw_yield();
    mw_sleep(10000);
    CHECK(gettid() == tid); /* whose mask it is */
  }
  CHECK(sigsetmask(before) == (before | usr1 | usr2) && siggetmask() == before);
}

static void older(void) {
  interrupts();
  begin(churns);
  begin(churns);
  system_v();
  bsd();
  finish();
}

/* ---- Handlers ----------------------------------------------------------------- */

static void with_info(int sig, siginfo_t *info, void *uc) {
  CHECK(info->si_signo == sig && uc);
  handled += 100;
}

static void dispositions(void) {
  struct sigaction sa = {.sa_handler = count, .sa_flags = SA_RESTART}, old;
  CHECK(sigaction(SIGUSR1, &sa, &old) == 0 && old.sa_handler == SIG_DFL);
  CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == count);
  CHECK(!(old.sa_flags & SA_SIGINFO) && (old.sa_flags & SA_RESTART));
  raise(SIGUSR1);
  CHECK(handled == 1);
  sa = (struct sigaction){.sa_sigaction = with_info, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGUSR1, &sa, &old) == 0 && old.sa_handler == count);
  raise(SIGUSR1);
  CHECK(handled == 101);
  CHECK(signal(SIGUSR1, SIG_IGN) == (void (*)(int))(uintptr_t)with_info);
  raise(SIGUSR1);
  CHECK(signal(SIGUSR1, count) == SIG_IGN);
  raise(SIGUSR1);
  CHECK(handled == 102);
  sa = (struct sigaction){.sa_handler = count, .sa_flags = (int)SA_RESETHAND};
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  raise(SIGUSR1);
  CHECK(handled == 103);
  CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
  errno = 0;
  CHECK(sigaction(SIGKILL, &sa, NULL) == -1 && errno == EINVAL);
  CHECK(signal(0, count) == SIG_ERR && signal(1000, count) == SIG_ERR);
  /* the runtime's own signal: the program's handler for it is called as well */
  CHECK(signal(SIGURG, SIG_DFL) == SIG_DFL);
  sa = (struct sigaction){.sa_sigaction = with_info, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGURG, &sa, NULL) == 0);
  handled = 0;
  kill(getpid(), SIGURG);
  while (!handled) mw_yield();
  for (int i = 0; i < 20; i++) mw_gc();
  CHECK(handled == 100);
}

static node *global; /* stored by handlers: a barrier there, too */
static node *nodes[2];
static volatile unsigned sink;
static void storm(int sig) {
  (void)sig;
  for (int i = 0; i < wanted; i++) sink++; /* with polls */
  global = nodes[handled & 1];
  handled++;
}

static void interval(int us) {
  struct itimerval t = {.it_interval.tv_usec = us, .it_value.tv_usec = us};
  setitimer(ITIMER_REAL, &t, NULL);
}

static void handlers(int flags) {
  nodes[0] = list(1);
  nodes[1] = list(1);
  wanted = 2000;
  struct sigaction sa = {.sa_handler = storm, .sa_flags = SA_RESTART | flags};
  CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
  begin(churns);
  begin(churns);
  begin(churns);
  begin(collects);
  interval(300);
  int64_t end = mw_nanotime() + INT64_C(2000000000);
  while (mw_nanotime() < end || handled <= 10) {
    CHECK(intact(list(1000), 1000));
    mw_yield();
  }
  interval(0);
  finish();
  CHECK(intact(nodes[0], 1) && intact(nodes[1], 1) && intact(global, 1));
}

static void where(int sig) {
  (void)sig;
  stack_t ss;
  CHECK(sigaltstack(NULL, &ss) == 0 && ss.ss_flags & SS_ONSTACK);
  handled++;
  for (int i = 0; i < 1000; i++) sink++;
}
static void altstack(void) {
  struct sigaction sa = {.sa_handler = where, .sa_flags = SA_ONSTACK};
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  begin(collects);
  for (int i = 0; i < 200; i++) {
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    mw_yield();
  }
  CHECK(handled >= 200); /* the raised ones; another may be under way on another thread */
  finish();
}

static sigjmp_buf out;
static void jumps(int sig) {
  for (int i = 0; i < 100; i++) sink++;
  siglongjmp(out, sig);
}
static __attribute__((noinline)) void raise_deep(int depth) {
  if (depth)
    raise_deep(depth - 1);
  else
    raise(depth == 0 ? SIGUSR1 : SIGUSR2);
  sink++;
}
static void jumper(void *onstack) {
  struct sigaction sa = {.sa_handler = jumps, .sa_flags = onstack ? SA_ONSTACK : 0};
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  for (volatile int i = 0; i < 60; i++) {
    node *kept = list(50); /* in a register, or in the jmp_buf */
    if (!sigsetjmp(out, 1)) {
      raise_deep(10);
      CHECK(!"raise came back");
    }
    mw_gc();
    CHECK(intact(kept, 50));
    int64_t end = mw_nanotime() + 200000;
    while (mw_nanotime() < end) sink++;
    mw_sleep(1000);
  }
  mw_waitgroup_done(&done);
}
static void jump(void) {
  begin(churns);
  for (int onstack = 0; onstack < 2; onstack++) {
    mw_waitgroup_add(&done, 1);
    mw_go(jumper, (void *)(uintptr_t)onstack);
    while (mw_num_goroutine() > 2) mw_sleep(1000000);
  }
  finish();
}

static void mask(void) {
  mw_set_max_procs(4);
  signal(SIGUSR1, count);
  begin(churns);
  begin(churns);
  begin(churns);
  mw_sleep(5000000); /* there are more threads than one now */
  for (int i = 0; i < 50; i++) {
    sigset_t set, old, now;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pid_t tid = gettid();
    CHECK(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
    handled = 0;
    raise(SIGUSR1); /* this thread's */
    for (int k = 0; k < 20; k++) {
      mw_sleep(10000);
      mw_yield();
    }
    CHECK(handled == 0 && gettid() == tid);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 1);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
    CHECK(handled == 1);
  }
  /* everything blocked: stops still come through */
  sigset_t all, old;
  sigfillset(&all);
  CHECK(sigprocmask(SIG_BLOCK, &all, &old) == 0);
  for (int i = 0; i < 5; i++) mw_gc();
  CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
  finish();
}

static int self_pipe[2];
static void uses_libc(int sig) {
  CHECK(write(self_pipe[1], "x", 1) == 1);
  struct timespec ts = {.tv_nsec = 1000};
  nanosleep(&ts, NULL);
  struct sigaction old;
  CHECK(sigaction(sig, NULL, &old) == 0 && old.sa_handler == uses_libc);
  if (++handled % 20 == 0) {
    pid_t pid = fork();
    if (pid == 0) {
      execl("/bin/true", "true", (char *)NULL);
      _exit(9);
    }
    int status = 1;
    while (waitpid(pid, &status, 0) < 0) continue;
    CHECK(status == 0);
  }
}
static void libc(void) {
  CHECK(pipe(self_pipe) == 0);
  signal(SIGUSR1, uses_libc);
  begin(churns);
  begin(collects);
  for (int i = 1; i <= 200; i++) {
    kill(getpid(), SIGUSR1); /* to any thread */
    char c;
    CHECK(read(self_pipe[0], &c, 1) == 1);
    mw_yield();
  }
  finish();
}

static void broken_pipe(void) {
  int fd[2];
  CHECK(pipe(fd) == 0);
  close(fd[0]);
  signal(SIGPIPE, SIG_IGN);
  CHECK(write(fd[1], "x", 1) == -1 && errno == EPIPE);
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGPIPE, SIG_DFL);
    ssize_t n = write(fd[1], "x", 1);
    _exit(n == 1 ? 2 : 3);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
}

static void blocks_there(int sig) {
  (void)sig;
  mw_sleep(1);
}

static void allocates_there(int sig) {
  global = mw_new(node);
  global->value = (unsigned long)sig;
}

static void sleeps(void *unused) {
  (void)unused;
  mw_sleep(INT64_C(100000000000));
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "notify";
#define IS(s) (strcmp(what, s) == 0)
  if (IS("notify")) notify();
  if (IS("stop")) stop();
  if (IS("dispositions")) dispositions();
  if (IS("given-back")) given_back();
  if (IS("older")) older();
  if (IS("handlers")) handlers(0);
  if (IS("handlers-onstack")) handlers(SA_ONSTACK);
  if (IS("altstack")) altstack();
  if (IS("jump")) jump();
  if (IS("mask")) mask();
  if (IS("libc")) libc();
  if (IS("pipe")) broken_pipe();
  if (IS("inherited")) {
    signal(SIGQUIT, SIG_IGN);
    execl("/proc/self/exe", argv[0], "quit", NULL);
  }
  if (IS("quit") || IS("ignored")) {
    mw_go(sleeps, NULL);
    until_parked(1, "[sleep");
    if (IS("ignored")) signal(SIGQUIT, SIG_IGN);
    kill(getpid(), SIGQUIT);
    while (IS("quit")) mw_sleep(INT64_C(10000000000));
  }
  if (IS("quit-given-back")) {
    static const int theirs[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGQUIT};
    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++) {
      handler_fn *saved = signal(theirs[i], count);
      struct sigaction sa;
      CHECK(signal(theirs[i], saved) == count && sigaction(theirs[i], NULL, &sa) == 0);
      CHECK(sa.sa_handler == saved && (sa.sa_flags & SA_SIGINFO) && (sa.sa_flags & SA_ONSTACK));
    }
    raise(SIGQUIT);
  }
  if (IS("segv")) {
    volatile int *nothing = (int *)(uintptr_t)8;
    mw_go(sleeps, NULL);
    sink = (unsigned)*nothing;
  }
  if (IS("segv-notified")) { /* a fault is no message */
    mw_signal_notify(mw_chan_make(int, 1), SIGSEGV);
    volatile int *nothing = (int *)(uintptr_t)8;
    sink = (unsigned)*nothing;
  }
  if (IS("blocks")) {
    signal(SIGUSR1, blocks_there);
    raise(SIGUSR1);
  }
  if (IS("allocates")) {
    signal(SIGUSR1, allocates_there);
    raise(SIGUSR1);
  }
  if (IS("size")) mw_signal_notify(mw_chan_make(char, 1), SIGUSR1);
  if (IS("kill")) mw_signal_notify(mw_chan_make(int, 1), SIGKILL);
  puts("ok");
  return 0;
}
