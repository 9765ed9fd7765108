/* SPDX-License-Identifier: MIT */
/*
 * tests/net/eintr.c -- a handler's signal ends the call that waits, as in plain C
 *
 *     eintr            every case
 *     eintr NAME...    some
 *
 * Ordinary C of one thread.  It is compiled by clang alone as well, and has to pass there
 * too: what a call returns is what the kernel says.  Each call is made once with a handler
 * that does not restart calls (EINTR), and once with SA_RESTART: then it goes on, and
 * a later turn of the handler gives it what it waits for; the calls that signal(7)
 * says are never restarted return EINTR all the same.
 *
 * The timer goes off again and again, so a signal that comes before the call has begun to wait
 * is followed by another, and the load of the machine does not matter.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *current;

#define CHECK(c)                                                                                   \
  do {                                                                                             \
    if (!(c)) {                                                                                    \
      fprintf(stderr, "FAIL: %s, line %d: %s (errno %d)\n", current, __LINE__, #c, errno);         \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

#define INTERVAL_US 20000

/* What the handler does at its nth turn: gives the waiting call what it waits for. */
static volatile sig_atomic_t turns;
static int feed_fd = -1, drain_fd = -1;
static pid_t feed_child;

static void on_alarm(int sig) {
  (void)sig;
  int saved = errno;
  if (++turns >= 3) {
    uint64_t one = 1;
    char buf[65536];
    if (feed_fd >= 0 && write(feed_fd, &one, sizeof one) < 0) _exit(3);
    feed_fd = -1;
    if (drain_fd >= 0)
      while (recv(drain_fd, buf, sizeof buf, MSG_DONTWAIT) > 0) continue;
    if (feed_child) kill(feed_child, SIGKILL);
    feed_child = 0;
  }
  errno = saved;
}

static void timer(int us) {
  struct itimerval it = {.it_interval.tv_usec = us, .it_value.tv_usec = us};
  setitimer(ITIMER_REAL, &it, NULL);
}

static void begin(int flags) {
  turns = 0;
  feed_fd = drain_fd = -1;
  feed_child = 0;
  struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = flags};
  sigaction(SIGALRM, &sa, NULL);
  timer(INTERVAL_US);
}

static void end(void) {
  timer(0);
  signal(SIGALRM, SIG_IGN);
}

/* call returns -1 and EINTR, not before the handler has run. */
#define CUT(flags, call)                                                                           \
  do {                                                                                             \
    begin(flags);                                                                                  \
    errno = 0;                                                                                     \
    long r_ = (call);                                                                              \
    int e_ = errno;                                                                                \
    end();                                                                                         \
    errno = e_;                                                                                    \
    CHECK(r_ == -1 && e_ == EINTR && turns >= 1);                                                  \
  } while (0)

/* call goes on until the third turn gives it what it waits for. */
#define GOES_ON(what, call, result)                                                                \
  do {                                                                                             \
    begin(SA_RESTART);                                                                             \
    what;                                                                                          \
    errno = 0;                                                                                     \
    long r_ = (call);                                                                              \
    int e_ = errno;                                                                                \
    end();                                                                                         \
    errno = e_;                                                                                    \
    CHECK(r_ == (result) && turns >= 3);                                                           \
  } while (0)

static char buf[1 << 16];

static void read_from(int from, int to) {
  struct iovec v = {buf, sizeof buf};
  CUT(0, read(from, buf, sizeof buf));
  CUT(0, readv(from, &v, 1));
  GOES_ON(feed_fd = to, read(from, buf, sizeof buf), 8);
  GOES_ON(feed_fd = to, readv(from, &v, 1), 8);
}

static void pipes(void) {
  int p[2];
  CHECK(pipe(p) == 0);
  read_from(p[0], p[1]);
  /* a full pipe: nothing written, EINTR; a part written, its number */
  fcntl(p[1], F_SETPIPE_SZ, 4096);
  long room = fcntl(p[1], F_GETPIPE_SZ);
  CHECK(write(p[1], buf, (size_t)room) == room);
  CUT(0, write(p[1], buf, 10));
  CHECK(read(p[0], buf, 4096) == 4096);
  begin(0);
  long r = write(p[1], buf, 2 * 4096 + 100);
  end();
  CHECK(r > 0 && r <= 2 * 4096 && turns >= 1);
  close(p[0]);
  close(p[1]);
}

static void sockets(void) {
  int s[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  read_from(s[0], s[1]);
  struct iovec v = {buf, sizeof buf};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  CUT(0, recv(s[0], buf, sizeof buf, 0));
  CUT(0, recvfrom(s[0], buf, sizeof buf, 0, NULL, NULL));
  CUT(0, recvmsg(s[0], &m, 0));
  GOES_ON(feed_fd = s[1], recv(s[0], buf, sizeof buf, 0), 8);
  /* MSG_WAITALL: what has come is the result */
  CHECK(write(s[1], buf, 5) == 5);
  begin(0);
  long r = recv(s[0], buf, 100, MSG_WAITALL);
  end();
  CHECK(r == 5 && turns >= 1);
  /* a timeout: never restarted; and it still is one */
  struct timeval t = {.tv_sec = 1000};
  CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
  CUT(0, recv(s[0], buf, sizeof buf, 0));
  CUT(SA_RESTART, recv(s[0], buf, sizeof buf, 0));
  CUT(SA_RESTART, read(s[0], buf, sizeof buf));
  t = (struct timeval){.tv_usec = 10000};
  CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
  CHECK(recv(s[0], buf, sizeof buf, 0) == -1 && errno == EAGAIN);
  /* sends: a part is sent, and its number is the result; nothing, EINTR */
  begin(0);
  size_t sent = 0;
  while ((r = send(s[0], buf, sizeof buf, 0)) > 0) sent += (size_t)r;
  end();
  CHECK(r == -1 && errno == EINTR && sent > 0);
  CUT(0, write(s[0], buf, sizeof buf));
  CUT(0, sendmsg(s[0], &m, 0));
  GOES_ON(drain_fd = s[1], send(s[0], buf, 1, 0), 1);
  t = (struct timeval){.tv_sec = 1000};
  CHECK(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0);
  while (send(s[0], buf, sizeof buf, MSG_DONTWAIT) > 0) continue;
  CUT(SA_RESTART, send(s[0], buf, sizeof buf, 0));
  close(s[0]);
  close(s[1]);

  int d[2];
  CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, d) == 0);
  CUT(0, recv(d[0], buf, sizeof buf, 0));
  GOES_ON(feed_fd = d[1], recv(d[0], buf, sizeof buf, 0), 8);
  close(d[0]);
  close(d[1]);
}

/* As in net.h: a minute's closed connections have their ports on others. */
static in_addr_t own_loopback(void) {
  return htonl(0x7f000001 | ((uint32_t)getpid() * 2654435761u >> 9 & 0xfffffe));
}

static int listening(struct sockaddr_in *a, int backlog) {
  int l = socket(AF_INET, SOCK_STREAM, 0);
  socklen_t n = sizeof *a;
  *a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = own_loopback()};
  CHECK(bind(l, (struct sockaddr *)a, n) == 0 && listen(l, backlog) == 0);
  CHECK(getsockname(l, (struct sockaddr *)a, &n) == 0);
  return l;
}

/* Connections that wait to be accepted; and is there room for no more? */
static unsigned queued(int l, bool *full) {
  struct tcp_info info;
  socklen_t n = sizeof info;
  CHECK(getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &n) == 0);
  *full = info.tcpi_unacked > info.tcpi_sacked;
  return info.tcpi_unacked;
}

static void tcp(void) {
  struct sockaddr_in a;
  int l = listening(&a, 0);
  CUT(0, accept(l, NULL, NULL));
  CUT(0, accept4(l, NULL, NULL, SOCK_CLOEXEC));
  struct timeval t = {.tv_sec = 1000};
  CHECK(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
  CUT(SA_RESTART, accept(l, NULL, NULL));
  t = (struct timeval){0}; /* connections inherit it */
  CHECK(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
  int c = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(c, (struct sockaddr *)&a, sizeof a) == 0);
  int s = accept(l, NULL, NULL);
  CHECK(s >= 0);
  read_from(s, c);
  /* a backlog that is full: connect waits */
  int more[8], n = 0;
  for (bool full = false; !full;) {
    CHECK(n < 8);
    more[n] = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(more[n++], (struct sockaddr *)&a, sizeof a) == 0);
    while (queued(l, &full) < (unsigned)n) usleep(1000);
  }
  int w = socket(AF_INET, SOCK_STREAM, 0);
  CUT(0, connect(w, (struct sockaddr *)&a, sizeof a));
  /* it goes on by itself: asked again, it waits again */
  CUT(0, connect(w, (struct sockaddr *)&a, sizeof a));
  close(w);
  for (int i = 0; i < n; i++) close(more[i]);
  close(c);
  close(s);
  close(l);
}

static void waits(void) {
  int p[2];
  CHECK(pipe(p) == 0);
  struct pollfd f = {p[0], POLLIN, 0};
  struct timespec hour = {3600, 0};
  for (int flags = 0; flags != -1; flags = flags == 0 ? SA_RESTART : -1) {
    CUT(flags, poll(&f, 1, -1));
    CUT(flags, poll(&f, 1, 3600000));
    CUT(flags, poll(NULL, 0, 3600000));
    CUT(flags, ppoll(&f, 1, &hour, NULL));
    fd_set r;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    CUT(flags, select(p[0] + 1, &r, NULL, NULL, NULL));
    CHECK(FD_ISSET(p[0], &r));
    struct timeval t = {3600, 0};
    CUT(flags, select(p[0] + 1, &r, NULL, NULL, &t));
    CHECK(t.tv_sec < 3600); /* what is left */
    CUT(flags, select(0, NULL, NULL, NULL, &t));
    CUT(flags, pselect(p[0] + 1, &r, NULL, NULL, &hour, NULL));
    sigset_t none;
    sigemptyset(&none);
    CUT(flags, ppoll(&f, 1, &hour, &none));
    CUT(flags, pselect(p[0] + 1, &r, NULL, NULL, &hour, &none));
    int ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e) == 0);
    CUT(flags, epoll_wait(ep, &e, 1, -1));
    CUT(flags, epoll_wait(ep, &e, 1, 3600000));
    CUT(flags, epoll_pwait(ep, &e, 1, -1, &none));
    close(ep);
  }
  CHECK(write(p[1], buf, 1) == 1);
  begin(0);
  CHECK(poll(&f, 1, -1) == 1 && f.revents == POLLIN);
  end();
  close(p[0]);
  close(p[1]);
}

static void again_in_a_second(int sig) {
  (void)sig;
  alarm(1);
}
static void sleeps(void) {
  for (int flags = 0; flags != -1; flags = flags == 0 ? SA_RESTART : -1) {
    struct timespec hour = {3600, 0}, left = {0};
    CUT(flags, nanosleep(&hour, &left));
    CHECK(left.tv_sec <= 3600 && left.tv_sec > 3000); /* the slack counts: an hour, at once */
    CUT(flags, nanosleep(&hour, NULL));
    CUT(flags, usleep(999999999));
    begin(flags);
    unsigned rest = sleep(3600);
    end();
    CHECK(rest > 3000 && rest <= 3600 && turns >= 1);
    begin(flags);
    left = (struct timespec){0};
    int r = clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, &left);
    end();
    CHECK(r == EINTR && left.tv_sec > 3000);
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += 3600;
    begin(flags);
    r = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    end();
    CHECK(r == EINTR);
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 3600;
    begin(flags);
    r = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
    end();
    CHECK(r == EINTR);
    CUT(flags, pause());
    sigset_t none;
    sigemptyset(&none);
    CUT(flags, sigsuspend(&none));
    sigset_t usr;
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    CUT(flags, sigtimedwait(&usr, NULL, &hour));
    CUT(flags, sigwaitinfo(&usr, NULL));
  }
  /* alarm, and a sleep that is longer; there is another if it is late for the first one */
  struct sigaction sa = {.sa_handler = again_in_a_second};
  sigaction(SIGALRM, &sa, NULL);
  alarm(1);
  unsigned rest = sleep(3600);
  alarm(0);
  CHECK(rest > 3000 && rest < 3600);
  signal(SIGALRM, SIG_IGN);
}

static void children(void) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0)
    for (;;) pause();
  int status;
  CUT(0, waitpid(pid, &status, 0));
  CUT(0, wait(&status));
  CUT(0, waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED));
  GOES_ON(feed_child = pid, waitpid(pid, &status, 0), pid);
}

static void files(void) {
  char name[] = "/tmp/mallow-eintr-XXXXXX", fifo[sizeof name + 8];
  int fd = mkstemp(name);
  CHECK(fd >= 0);
  int other = open(name, O_RDWR);
  CHECK(flock(fd, LOCK_EX) == 0);
  CUT(0, flock(other, LOCK_EX));
  flock(fd, LOCK_UN);
  pid_t pid = fork(); /* a lock of another process's */
  if (pid == 0) {
    if (lockf(fd, F_LOCK, 0) != 0 || write(fd, "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  struct stat st = {0};
  while (fstat(fd, &st) == 0 && st.st_size == 0) usleep(1000);
  struct flock lock = {.l_type = F_WRLCK};
  CUT(0, fcntl(other, F_SETLKW, &lock));
  GOES_ON(feed_child = pid, fcntl(other, F_SETLKW, &lock), 0);
  waitpid(pid, NULL, 0);
  snprintf(fifo, sizeof fifo, "%s.fifo", name);
  CHECK(mkfifo(fifo, 0600) == 0);
  CUT(0, open(fifo, O_RDONLY));
  CUT(0, open(fifo, O_WRONLY));
  unlink(fifo);
  unlink(name);
  close(fd);
  close(other);
}

static void counters(void) {
  int e = eventfd(0, 0);
  uint64_t n;
  CUT(0, read(e, &n, sizeof n));
  GOES_ON(feed_fd = e, read(e, &n, sizeof n), 8);
  n = UINT64_MAX - 1;
  CHECK(write(e, &n, sizeof n) == 8);
  n = 1;
  CUT(0, write(e, &n, sizeof n));
  close(e);
  int t = timerfd_create(CLOCK_MONOTONIC, 0);
  struct itimerspec never = {.it_value.tv_sec = 3600};
  CHECK(timerfd_settime(t, 0, &never, NULL) == 0);
  CUT(0, read(t, &n, sizeof n));
  close(t);
}

/* Signals that are sent, not timed. */
static volatile sig_atomic_t usr1;
static void on_usr1(int sig) {
  (void)sig;
  usr1++;
}
static void sent(void) {
  struct sigaction sa = {.sa_handler = on_usr1};
  sigaction(SIGUSR1, &sa, NULL);
  int p[2];
  CHECK(pipe(p) == 0);
  pid_t me = getpid(), pid = fork();
  if (pid == 0)
    while (getppid() == me) {
      usleep(INTERVAL_US);
      kill(me, SIGUSR1);
    }
  if (pid == 0) _exit(0);
  for (int i = 0; i < 20; i++) CHECK(read(p[0], buf, 1) == -1 && errno == EINTR && usr1 > 0);
  /* blocked, it cuts nothing; let in, it comes before the call returns */
  sigset_t set, old;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
  usr1 = 0;
  struct timespec t = {0, 5 * INTERVAL_US * 1000};
  CHECK(nanosleep(&t, NULL) == 0 && usr1 == 0);
  CHECK(sigsuspend(&old) == -1 && errno == EINTR && usr1 > 0);
  usr1 = 0;
  CHECK(ppoll(NULL, 0, NULL, &old) == -1 && errno == EINTR && usr1 > 0);
  CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
  kill(pid, SIGKILL);
  while (waitpid(pid, NULL, 0) < 0) CHECK(errno == EINTR);
  /* ignored: cuts nothing */
  signal(SIGUSR1, SIG_IGN);
  close(p[0]);
  close(p[1]);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*fn)(void);
  } cases[] = {{"pipes", pipes}, {"sockets", sockets},   {"tcp", tcp},
               {"waits", waits}, {"sleeps", sleeps},     {"children", children},
               {"files", files}, {"counters", counters}, {"sent", sent}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bool wanted = argc == 1;
    for (int k = 1; k < argc; k++) wanted |= strcmp(argv[k], cases[i].name) == 0;
    if (!wanted) continue;
    current = cases[i].name;
    cases[i].fn();
  }
  puts("ok");
  return 0;
}
