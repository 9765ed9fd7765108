/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/timelimit.c -- siglongjmp out of a handler that interrupts a wait
 *
 *     timelimit
 *
 * Plain C of one thread, that clang alone compiles as well and that has to pass there.
 * The old way of giving a call a time limit: alarm, and the handler jumps.  Each case waits
 * for ever in a call and is got out of it, many times: after each, locks, masks, descriptors
 * and collections are as they should be.  The timer goes off again and again while a case
 * waits, so a signal that comes before the call begins is followed by another.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define CHECK_PART current
#include "../../plain_c.h"

static const char *current;

static sigjmp_buf out;
static volatile sig_atomic_t armed, jumps;

static void on_alarm(int sig) {
  (void)sig;
  if (!armed) return;
  armed = 0;
  jumps++;
  siglongjmp(out, 7);
}

static void *volatile litter;
static void collect(void) {
#ifdef WITH_MALLOW
  for (int i = 0; i < 200; i++) litter = mw_new(struct iovec);
#else
  litter = stdout;
#endif
}

static void timer(int us) {
  struct itimerval it = {.it_interval.tv_usec = us, .it_value.tv_usec = us};
  setitimer(ITIMER_REAL, &it, NULL);
}

/* `call` never returns by itself. */
#define OUT_OF(flags, call)                                                                        \
  do {                                                                                             \
    struct sigaction sa_ = {.sa_handler = on_alarm, .sa_flags = (flags)};                          \
    CHECK(sigaction(SIGALRM, &sa_, NULL) == 0);                                                    \
    int before_ = jumps;                                                                           \
    int r_ = sigsetjmp(out, 1);                                                                    \
    if (r_ == 0) {                                                                                 \
      armed = 1;                                                                                   \
      timer(3000);                                                                                 \
      for (;;) call;                                                                               \
    }                                                                                              \
    timer(0);                                                                                      \
    CHECK(r_ == 7 && jumps == before_ + 1);                                                        \
    sigset_t now_;                                                                                 \
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now_) == 0 && !sigismember(&now_, SIGALRM));               \
    collect();                                                                                     \
  } while (0)

static void round_of(int flags) {
  int p[2], s[2];
  char buf[64];
  CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  struct pollfd f = {p[0], POLLIN, 0};
  struct timespec hour = {3600, 0};
  current = "read";
  OUT_OF(flags, (void)!read(p[0], buf, sizeof buf));
  current = "readv";
  OUT_OF(flags, (void)!readv(p[0], &v, 1));
  current = "recv";
  OUT_OF(flags, recv(s[0], buf, sizeof buf, 0));
  current = "recvmsg";
  OUT_OF(flags, recvmsg(s[0], &m, 0));
  current = "poll";
  OUT_OF(flags, poll(&f, 1, -1));
  current = "select";
  fd_set r;
  FD_ZERO(&r);
  FD_SET(p[0], &r);
  OUT_OF(flags, select(p[0] + 1, &r, NULL, NULL, NULL));
  current = "sleep";
  OUT_OF(flags, sleep(3600));
  current = "nanosleep";
  OUT_OF(flags, nanosleep(&hour, NULL));
  current = "pause";
  OUT_OF(flags, pause());
  current = "sigsuspend";
  sigset_t none;
  sigemptyset(&none);
  OUT_OF(flags, sigsuspend(&none));
  current = "short calls";
  OUT_OF(flags, ((void)!write(p[1], "x", 1), (void)!read(p[0], buf, 1)));
  current = "epoll_wait";
  int ep = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN};
  CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e) == 0);
  OUT_OF(flags, epoll_wait(ep, &e, 1, -1));
  close(ep);
  current = "accept";
  int l = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(listen(l, 1) == 0);
  OUT_OF(flags, accept(l, NULL, NULL));
  close(l);
  current = "flock";
  FILE *t = tmpfile();
  CHECK(t);
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fileno(t));
  int other = open(name, O_RDWR);
  CHECK(other >= 0 && flock(fileno(t), LOCK_EX) == 0);
  OUT_OF(flags, flock(other, LOCK_EX));
  close(other);
  fclose(t);
  current = "after it";
  CHECK(write(p[1], "abc", 3) == 3 && read(p[0], buf, sizeof buf) >= 3);
  CHECK(write(s[1], "abc", 3) == 3 && read(s[0], buf, sizeof buf) == 3);
  close(p[0]);
  close(p[1]);
  close(s[0]);
  close(s[1]);
}

static void children(void) {
  current = "waitpid";
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0)
    for (;;) pause();
  for (int i = 0; i < 5; i++) OUT_OF(0, waitpid(pid, NULL, 0));
  CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}

/* longjmp does not touch the mask: the signal stays blocked, as in its handler. */
static jmp_buf plainly;
static void on_usr1(int sig) {
  (void)sig;
  longjmp(plainly, 3);
}
static void on_chld(int sig) {
  (void)sig;
  raise(SIGUSR1);
}
static void mask_stays(void) {
  current = "mask";
  int p[2], ready[2];
  char c;
  CHECK(pipe(p) == 0 && pipe(ready) == 0);
  struct sigaction sa = {.sa_handler = on_usr1};
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  sa = (struct sigaction){.sa_handler = on_chld, .sa_flags = SA_NOCLDSTOP};
  CHECK(sigaction(SIGCHLD, &sa, NULL) == 0);
  /* and out of a handler that interrupted a handler that interrupted a read */
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    (void)!read(ready[0], &c, 1); /* there is where to jump */
    usleep(20000);                /* and it reads, mostly */
    _exit(0);
  }
  if (setjmp(plainly) == 0) {
    CHECK(write(ready[1], "x", 1) == 1);
    (void)!read(p[0], &c, 1);
    CHECK(!"read came back");
  }
  sigset_t now;
  CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0);
  CHECK(sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGCHLD) == 1);
  CHECK(waitpid(pid, NULL, 0) == pid);
  sigemptyset(&now);
  CHECK(sigprocmask(SIG_SETMASK, &now, NULL) == 0);
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < 2; i++) CHECK(close(p[i]) == 0 && close(ready[i]) == 0);
}

static char stack[1 << 16];
static void everything(void) {
  stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
  CHECK(sigaltstack(&ss, NULL) == 0);
  static const int flags[] = {
      0, SA_RESTART, SA_ONSTACK, SA_NODEFER | SA_RESTART, SA_SIGINFO, SA_ONSTACK | SA_RESTART};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) round_of(flags[i]);
  children();
  mask_stays();
}

int main(void) {
  everything();
  puts("ok");
}
