/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/as_plain.c -- signals and processes as a program of one thread knows them
 *
 * Plain C, that clang alone compiles as well and that has to pass there: dispositions with their
 * flags, signal stacks, pending signals, timers, children, death by signals, recovery from faults.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <spawn.h>
#include <sys/signalfd.h>

#include "../../plain_c.h"

extern char **environ;
static volatile sig_atomic_t count, depth, deepest, nested, on_alt, nvalues, values[8];
static sigjmp_buf back;
static char alt[1 << 16];

static void counts(int sig) {
  (void)sig;
  count++;
}
static void nests(int sig) {
  if (++depth > deepest) deepest = depth;
  if (nested++ < 4) raise(sig);
  depth--;
}
static void looks_where(int sig) {
  char here;
  (void)sig;
  on_alt = &here >= alt && &here < alt + sizeof alt;
}
static void reaps(int sig) {
  int saved = errno;
  (void)sig;
  while (waitpid(-1, NULL, WNOHANG) > 0) count++;
  errno = saved;
}
static void notes_value(int sig, siginfo_t *info, void *uc) {
  (void)sig;
  (void)uc;
  if (nvalues < 8) values[nvalues++] = info->si_value.sival_int;
}
static void jumps(int sig) {
  siglongjmp(back, sig);
}
static void exits(int sig) {
  (void)sig;
  exit(9);
}
static void at_exit(void) {
  _exit(count == 1 ? 10 : 11);
}

static void on(int sig, void (*fn)(int), int flags) {
  struct sigaction sa = {.sa_handler = fn, .sa_flags = flags};
  CHECK(sigaction(sig, &sa, NULL) == 0);
}

/* What a child ends with: its code, or less a signal. */
static int end_of(void (*fn)(void)) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(77); /* reports of faults */
    fn();
    _exit(78);
  }
  int status;
  while (waitpid(pid, &status, 0) < 0) CHECK(errno == EINTR);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void twice(void) {
  count = 0;
  on(SIGUSR1, counts, SA_RESETHAND);
  raise(SIGUSR1);
  if (count == 1) raise(SIGUSR1);
}
static void aborts(void) {
  on(SIGABRT, counts, 0);
  abort();
}
static void exits_in_handler(void) {
  count = 1;
  atexit(at_exit);
  on(SIGUSR1, exits, 0);
  raise(SIGUSR1);
}
static void is_terminated(void) {
  kill(getpid(), SIGTERM);
  for (;;) pause();
}
static void alarms(void) {
  signal(SIGALRM, SIG_DFL);
  alarm(1);
  for (;;) pause();
}
static void breaks_pipe(void) {
  int p[2];
  if (pipe(p) != 0) return;
  close(p[0]);
  (void)!write(p[1], "x", 1);
}
static void divides(void) {
  volatile int zero = 0, one = 1;
  one = one / zero;
}
static void follows_null(void) {
  *(volatile int *)(uintptr_t)8 = 1;
}

static void handlers(void) {
  on(SIGUSR1, nests, SA_NODEFER);
  raise(SIGUSR1);
  CHECK(deepest == 5 && nested == 5);
  deepest = nested = 0;
  on(SIGUSR1, nests, 0);
  raise(SIGUSR1);
  CHECK(deepest == 1 && nested == 5);
  stack_t ss = {.ss_sp = alt, .ss_size = sizeof alt}, told;
  CHECK(sigaltstack(&ss, NULL) == 0 && sigaltstack(NULL, &told) == 0);
  CHECK(told.ss_sp == alt && told.ss_size == sizeof alt && !(told.ss_flags & SS_DISABLE));
  on(SIGUSR1, looks_where, SA_ONSTACK);
  raise(SIGUSR1);
  CHECK(on_alt);
  on(SIGUSR1, looks_where, 0);
  raise(SIGUSR1);
  CHECK(!on_alt);
  on(SIGCHLD, reaps, SA_RESTART | SA_NOCLDSTOP);
  for (int i = 0; i < 30; i++) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) _exit(0);
  }
  while (count < 30) usleep(1000);
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < 6; i++) {
    int sig = i % 2 ? SIGFPE : SIGSEGV;
    on(sig, jumps, i < 4 ? 0 : SA_ONSTACK);
    if (sigsetjmp(back, 1) == 0) {
      if (i % 2)
        divides();
      else
        follows_null();
      CHECK(!"no fault");
    }
    signal(sig, SIG_DFL);
  }
}

static void pending(void) {
  sigset_t set, old, now;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGRTMIN);
  CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  kill(getpid(), SIGUSR2);
  CHECK(sigpending(&now) == 0 && sigismember(&now, SIGUSR2) == 1);
  int sig = 0;
  CHECK(sigwait(&set, &sig) == 0 && sig == SIGUSR2);
  int fd = signalfd(-1, &set, 0);
  struct signalfd_siginfo si;
  kill(getpid(), SIGUSR2);
  CHECK(read(fd, &si, sizeof si) == sizeof si && si.ssi_signo == SIGUSR2);
  close(fd);
  struct sigaction sa = {.sa_sigaction = notes_value, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGRTMIN, &sa, NULL) == 0);
  for (int i = 0; i < 5; i++)
    CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 10 * i}) == 0);
  CHECK(nvalues == 0 && sigprocmask(SIG_SETMASK, &old, NULL) == 0);
  CHECK(nvalues == 5); /* in their order, before sigprocmask returned */
  for (int i = 0; i < 5; i++) CHECK(values[i] == 10 * i);
}

static _Atomic int expired;
static void expires(union sigval v) {
  expired += v.sival_int;
}

static void timers(void) {
  static const struct itimerval often = {{0, 2000}, {0, 2000}}, never;
  on(SIGALRM, counts, 0);
  count = 0;
  setitimer(ITIMER_REAL, &often, NULL);
  while (count < 10) pause();
  setitimer(ITIMER_REAL, &never, NULL);
  on(SIGVTALRM, counts, 0);
  count = 0;
  setitimer(ITIMER_VIRTUAL, &often, NULL);
  while (count < 3) continue;
  setitimer(ITIMER_VIRTUAL, &never, NULL);
  struct sigevent ev = {
      .sigev_notify = SIGEV_THREAD, .sigev_notify_function = expires, .sigev_value.sival_int = 1};
  struct itimerspec ms = {{0, 1000000}, {0, 1000000}};
  timer_t t;
  CHECK(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0 && timer_settime(t, 0, &ms, NULL) == 0);
  while (expired < 3) usleep(1000);
  CHECK(timer_delete(t) == 0);
}

static void processes(void) {
  char *args[] = {"sh", "-c", "exit 5", NULL}, text[16] = "";
  int status;
  FILE *f = popen("echo hi; exit 3", "r");
  CHECK(f && fgets(text, sizeof text, f) && strcmp(text, "hi\n") == 0);
  status = pclose(f);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  CHECK(WEXITSTATUS(system("exit 4")) == 4);
  pid_t pid;
  CHECK(posix_spawnp(&pid, "sh", NULL, NULL, args, environ) == 0);
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
  if ((pid = vfork()) == 0) {
    execvp("sh", args);
    _exit(1);
  }
  CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5);
}

int main(void) {
  handlers();
  pending();
  processes();
  CHECK(end_of(twice) == -SIGUSR1);
  CHECK(end_of(aborts) == -SIGABRT);
  CHECK(end_of(exits_in_handler) == 10);
  CHECK(end_of(is_terminated) == -SIGTERM);
  CHECK(end_of(alarms) == -SIGALRM);
  CHECK(end_of(breaks_pipe) == -SIGPIPE);
  CHECK(end_of(divides) == -SIGFPE);
  CHECK(end_of(follows_null) == -SIGSEGV);
  timers();
  puts("ok");
}
