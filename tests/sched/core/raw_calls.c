/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/raw_calls.c -- calls that a program makes by their number, with libc's syscall
 *
 * Plain C, that clang alone compiles as well and that has to pass there, beside a thread that
 * collects.  Stops do not show in what waits: neither EINTR nor an early end.  The program's own
 * signals do, as signal(7) says.  What does not wait, or starts processes, is what it was.
 */
#define _GNU_SOURCE 1
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define CHECK_PART who
#include "../../plain_c.h"

static const char *who = "main";
static atomic_bool over;

/* Stops the others, again and again. */
static void *collect(void *unused) {
  (void)unused;
  while (!over) {
#ifdef WITH_MALLOW
    mw_gc();
#endif
    nap_ms(1);
  }
  return NULL;
}

static int64_t now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
#define MS INT64_C(1000000)

/* ---- Waits that nobody ends ------------------------------------------------ */

enum wait {
  FUTEX,
  FUTEX_AT,
  POLL,
  PPOLL,
  SELECT,
  EPOLL,
  NANOSLEEP,
  CLOCK_NANOSLEEP,
  SIGNAL,
  SOCKET,
  NWAITS
};

/* For 12 ms: what the call returns, or -errno. */
static long wait_once(enum wait w, int epoll, int sock) {
  uint32_t word = 0;
  struct timespec t = {0, 12 * MS};
  struct timeval tv = {0, 12000};
  struct epoll_event ev;
  sigset_t set;
  char c;
  long r = -1;
  errno = 0;
  switch (w) {
  case FUTEX:
    r = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0);
    break;
  case FUTEX_AT: {
    int64_t at = now(CLOCK_MONOTONIC) + 12 * MS;
    t = (struct timespec){at / 1000000000, at % 1000000000};
    r = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY);
    break;
  }
  case POLL:
    r = syscall(SYS_poll, NULL, 0, 12);
    break;
  case PPOLL:
    r = syscall(SYS_ppoll, NULL, 0, &t, NULL, 8);
    break;
  case SELECT:
    r = syscall(SYS_select, 0, NULL, NULL, NULL, &tv);
    break;
  case EPOLL:
    r = syscall(SYS_epoll_wait, epoll, &ev, 1, 12);
    break;
  case NANOSLEEP:
    r = syscall(SYS_nanosleep, &t, NULL);
    break;
  case CLOCK_NANOSLEEP:
    r = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
    break;
  case SIGNAL:
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    r = syscall(SYS_rt_sigtimedwait, &set, NULL, &t, 8);
    break;
  case SOCKET: /* which has a timeout */
    r = syscall(SYS_recvfrom, sock, &c, 1, 0, NULL, NULL);
    break;
  default:
    break;
  }
  return r == -1 ? -errno : r;
}

static void wait_each(const char *name) {
  static const long expected[NWAITS] = {
      [FUTEX] = -ETIMEDOUT, [FUTEX_AT] = -ETIMEDOUT, [SIGNAL] = -EAGAIN, [SOCKET] = -EAGAIN};
  int epoll = epoll_create1(0), pair[2];
  struct timeval tv = {0, 12000};
  who = name;
  CHECK(epoll >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  CHECK(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == 0);
  for (int w = 0; w < NWAITS; w++)
    for (int i = 0; i < 10; i++) {
      int64_t start = now(CLOCK_MONOTONIC);
      long r = wait_once((enum wait)w, epoll, pair[0]);
      int64_t ns = now(CLOCK_MONOTONIC) - start;
      /* ticks: a socket's timeout is a number of them */
      if (r != expected[w] || ns < (w == SOCKET ? 4 : 12) * MS) {
        fprintf(stderr, "FAIL: %s: wait %d returned %ld after %.1f ms\n", name, w, r,
                (double)ns / 1e6);
        _exit(1);
      }
    }
  close(epoll);
  close(pair[0]);
  close(pair[1]);
}

static void *thread_waits(void *unused) {
  (void)unused;
  wait_each("a thread");
  return NULL;
}

/* ---- Waits that others end -------------------------------------------------- */

static _Atomic uint32_t turn;

/* My turns are those of my parity. */
static void take_turns(uint32_t me) {
  for (uint32_t i = me; i < 200; i += 2) {
    for (uint32_t t; (t = turn) != i;) {
      long r = syscall(SYS_futex, &turn, FUTEX_WAIT, t, NULL, NULL, 0);
      CHECK(r == 0 || errno == EAGAIN);
    }
    turn = i + 1;
    CHECK(syscall(SYS_futex, &turn, FUTEX_WAKE, 1 << 30, NULL, NULL, 0) >= 0);
  }
}
static void *odd_turns(void *unused) {
  (void)unused;
  take_turns(1);
  return NULL;
}

/* ---- Signals of the program's ------------------------------------------------- */

static _Atomic uint32_t never;
static _Atomic int handled, waiting, result;
static bool timed;

static void on_signal(int sig) {
  (void)sig;
  handled++;
}

static void *interrupted(void *unused) {
  (void)unused;
  struct timespec hour = {3600, 0};
  waiting = (int)syscall(SYS_gettid);
  long r = syscall(SYS_futex, &never, FUTEX_WAIT, 0, timed ? &hour : NULL, NULL, 0);
  result = r == 0 ? 0 : errno;
  waiting = 0;
  return NULL;
}

static void signals(void) {
  who = "signals";
  for (int restart = 0; restart < 2; restart++)
    for (int with_time = 0; with_time < 2; with_time++) {
      struct sigaction sa = {.sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0};
      CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
      bool ends = !restart || with_time;
      timed = with_time;
      handled = 0;
      result = -1;
      never = 0;
      pthread_t t;
      CHECK(pthread_create(&t, NULL, interrupted, NULL) == 0);
      while (!waiting) nap_ms(1);
      do { /* it may not be in the call yet */
        pthread_kill(t, SIGUSR1);
        nap_ms(3);
      } while (ends ? waiting != 0 : handled < 5);
      if (!ends) {
        CHECK(result == -1);
        never = 1;
        while (waiting) {
          syscall(SYS_futex, &never, FUTEX_WAKE, 1, NULL, NULL, 0);
          nap_ms(1);
        }
      }
      CHECK(pthread_join(t, NULL) == 0);
      /* EAGAIN: the last signal came between two attempts, and the word had changed */
      CHECK(handled > 0 && (ends ? result == EINTR : result == 0 || result == EAGAIN));
    }
}

/* ---- No cancellation point ------------------------------------------------------ */

static atomic_bool came_back;

static void *cancelled(void *unused) {
  (void)unused;
  waiting = 1;
  while (!never) syscall(SYS_futex, &never, FUTEX_WAIT, 0, NULL, NULL, 0);
  came_back = true;
  for (;;) pthread_testcancel();
}

static void cancellation(void) {
  who = "cancellation";
  waiting = 0;
  never = 0;
  pthread_t t;
  void *r;
  CHECK(pthread_create(&t, NULL, cancelled, NULL) == 0);
  while (!waiting) nap_ms(1);
  nap_ms(5);
  CHECK(pthread_cancel(t) == 0);
  nap_ms(20);
  CHECK(!came_back);
  never = 1;
  syscall(SYS_futex, &never, FUTEX_WAKE, 1, NULL, NULL, 0);
  CHECK(pthread_join(t, &r) == 0);
  CHECK(r == PTHREAD_CANCELED && came_back);
}

/* ---- What does not wait ----------------------------------------------------------- */

static void *quits(void *unused) {
  (void)unused;
  CHECK(syscall(SYS_gettid) != getpid());
  return NULL;
}

static void others(void) {
  who = "others";
  CHECK(syscall(SYS_getpid) == getpid());
  errno = 0;
  CHECK(syscall(SYS_close, -1) == -1 && errno == EBADF);
  CHECK(syscall(SYS_read, -1, NULL, 0) == -1 && errno == EBADF);
  CHECK(syscall(100000) == -1 && errno == ENOSYS);
  /* six arguments: the last is where in the file */
  int fd = memfd_create("raw", 0);
  char page[4096];
  for (int i = 0; i < 2; i++) {
    memset(page, 'a' + i, sizeof page);
    CHECK(syscall(SYS_write, fd, page, sizeof page) == sizeof page);
  }
  char *p = (char *)syscall(SYS_mmap, NULL, sizeof page, PROT_READ, MAP_SHARED, fd, sizeof page);
  CHECK(p != MAP_FAILED && p[0] == 'b');
  CHECK(syscall(SYS_munmap, p, sizeof page) == 0);
  CHECK(syscall(SYS_pread64, fd, page, 1, 0) == 1 && page[0] == 'a');
  close(fd);
  pthread_t t;
  CHECK(pthread_create(&t, NULL, quits, NULL) == 0 && pthread_join(t, NULL) == 0);
  for (int i = 0; i < 3; i++) {
    long child = i == 0   ? syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL)
                 : i == 1 ? syscall(SYS_fork)
                          : syscall(SYS_clone, SIGCHLD | CLONE_FILES, NULL, NULL, NULL, NULL);
    if (child == 0) syscall(SYS_exit_group, 7);
    int status;
    CHECK(child > 0 && syscall(SYS_wait4, child, &status, 0, NULL) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
}

#ifdef WITH_MALLOW
static mw_waitgroup done;
static void goroutine_waits(void *unused) {
  (void)unused;
  wait_each("a goroutine");
  mw_waitgroup_done(&done);
}
static void goroutine_turns(void *unused) {
  (void)unused;
  take_turns(1);
  mw_waitgroup_done(&done);
}
#endif

int main(void) {
  pthread_t collector, t;
  CHECK(pthread_create(&collector, NULL, collect, NULL) == 0);
  CHECK(pthread_create(&t, NULL, thread_waits, NULL) == 0);
#ifdef WITH_MALLOW
  mw_waitgroup_add(&done, 1);
  mw_go(goroutine_waits, NULL);
#endif
  wait_each("main");
  CHECK(pthread_join(t, NULL) == 0);
#ifdef WITH_MALLOW
  mw_waitgroup_wait(&done);
#endif
  who = "turns";
  CHECK(pthread_create(&t, NULL, odd_turns, NULL) == 0);
  take_turns(0);
  CHECK(pthread_join(t, NULL) == 0);
#ifdef WITH_MALLOW
  turn = 0; /* on one processor, too, which the other must get meanwhile */
  mw_waitgroup_add(&done, 1);
  mw_go(goroutine_turns, NULL);
  take_turns(0);
  mw_waitgroup_wait(&done);
#endif
  signals();
  cancellation();
  others();
  over = true;
  CHECK(pthread_join(collector, NULL) == 0);
  puts("ok");
  return 0;
}
