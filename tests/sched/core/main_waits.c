/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/main_waits.c -- main waits, beside others, and a signal to the process comes
 *
 *     main_waits cut|jump|stopped|parked|locked
 *
 *   cut   each call that blocks main, whether the runtime knows of it or not, ends with EINTR
 *   jump  the handler leaves those that block main's thread by siglongjmp; main keeps that thread
 *   stopped  sem_wait ends with EINTR, too, where stops of the world meet it at the same time: once
 *         is enough, and the signal is not sent again
 *   parked, locked  out of a call in which main is parked: fatal, with mallow
 *
 * The kernel gives such a signal to the initial thread.  main is on another when it calls.  The
 * same program by clang alone.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

static const char *part = "";
#define CHECK_PART part
#include "../../plain_c.h"

static volatile sig_atomic_t handled, jumps;
static sigjmp_buf out;
static pthread_t waits_on; /* for a jump: the thread on which main is in its call */

static void on_signal(int sig) {
  handled++;
  if (!jumps) return;
  if (jumps == 1) CHECK(pthread_equal(waits_on, pthread_self()));
  siglongjmp(out, sig);
}

/* ---- What main waits in --------------------------------------------------------- */

static struct {
  int empty[2], full[2], terminal, listener, epoll, locked, queue, semaphore, missing;
  sem_t sem;
  FILE *stream;
  char fifo[64];
  pid_t child;
} it;

static struct timespec in_an_hour(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_sec += 3600;
  return t;
}
static const struct timespec hour = {3600, 0};
static char byte;

static long in_sem_wait(void) {
  return sem_wait(&it.sem);
}
static long in_sem_timedwait(void) {
  struct timespec at = in_an_hour(CLOCK_REALTIME);
  return sem_timedwait(&it.sem, &at);
}
static long in_pause(void) {
  return pause();
}
static long in_sigsuspend(void) {
  sigset_t none;
  sigemptyset(&none);
  return sigsuspend(&none);
}
static long in_sigtimedwait(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  return sigtimedwait(&set, NULL, &hour);
}
static long in_msgrcv(void) {
  struct {
    long type;
    char text[8];
  } m;
  return msgrcv(it.queue, &m, sizeof m.text, 0, 0);
}
static long in_semop(void) {
  struct sembuf down = {.sem_op = -1};
  return semop(it.semaphore, &down, 1);
}
static long in_waitpid(void) {
  return waitpid(it.child, NULL, 0);
}
static long in_flock(void) {
  return flock(it.locked, LOCK_EX);
}
static long in_lockf(void) {
  return lockf(it.locked, F_LOCK, 1);
}
static long in_fcntl(void) {
  struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
  return fcntl(it.locked, F_SETLKW, &l);
}
static long in_open(void) {
  return open(it.fifo, O_RDONLY);
}
static long in_fgets(void) {
  char line[8];
  clearerr(it.stream);
  return fgets(line, sizeof line, it.stream) ? 0 : -1;
}
static long in_pselect(void) {
  fd_set r;
  FD_ZERO(&r);
  FD_SET(it.empty[0], &r);
  sigset_t none;
  sigemptyset(&none);
  return pselect(it.empty[0] + 1, &r, NULL, NULL, &hour, &none);
}

static long in_nanosleep(void) {
  return nanosleep(&hour, NULL);
}
static long in_clock_nanosleep(void) {
  struct timespec at = in_an_hour(CLOCK_MONOTONIC);
  errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
  return errno ? -1 : 0;
}
static long in_clock_nanosleep_real(void) {
  struct timespec at = in_an_hour(CLOCK_REALTIME);
  errno = clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL);
  return errno ? -1 : 0;
}
static long in_sleep(void) {
  unsigned left = sleep(3600);
  errno = EINTR;
  return left ? -1 : 0;
}
static long in_read_pipe(void) {
  return read(it.empty[0], &byte, 1);
}
static long in_read_terminal(void) {
  return read(it.terminal, &byte, 1);
}
static long in_write_pipe(void) {
  return write(it.full[1], &byte, 1);
}
static long in_select(void) {
  fd_set r;
  FD_ZERO(&r);
  FD_SET(it.empty[0], &r);
  struct timeval tv = {3600, 0};
  return select(it.empty[0] + 1, &r, NULL, NULL, &tv);
}
static long in_poll(void) {
  struct pollfd p = {it.empty[0], POLLIN, 0};
  return poll(&p, 1, -1);
}
static long in_epoll_wait(void) {
  struct epoll_event e;
  return epoll_wait(it.epoll, &e, 1, -1);
}
static long in_accept(void) {
  return accept(it.listener, NULL, NULL);
}

typedef long call(void);
static const struct {
  const char *name;
  call *fn;
  bool parks; /* a goroutine leaves its thread */
} calls[] = {
    {"sem_wait", in_sem_wait, false},
    {"sem_timedwait", in_sem_timedwait, false},
    {"pause", in_pause, false},
    {"sigsuspend", in_sigsuspend, false},
    {"sigtimedwait", in_sigtimedwait, false},
    {"msgrcv", in_msgrcv, false},
    {"semop", in_semop, false},
    {"waitpid", in_waitpid, false},
    {"flock", in_flock, false},
    {"lockf", in_lockf, false},
    {"fcntl", in_fcntl, false},
    {"open", in_open, false},
    {"fgets", in_fgets, false},
    {"pselect", in_pselect, false},
    {"clock_nanosleep, settable", in_clock_nanosleep_real, false},
    {"nanosleep", in_nanosleep, true},
    {"clock_nanosleep", in_clock_nanosleep, true},
    {"sleep", in_sleep, true},
    {"read, pipe", in_read_pipe, true},
    {"read, terminal", in_read_terminal, true},
    {"write, pipe", in_write_pipe, true},
    {"select", in_select, true},
    {"poll", in_poll, true},
    {"epoll_wait", in_epoll_wait, true},
    {"accept", in_accept, true},
};
enum { CALLS = sizeof calls / sizeof *calls };

static void set_up(void) {
  int other, ready[2];
  CHECK(pipe(it.empty) == 0 && pipe(it.full) == 0 && pipe(ready) == 0);
  CHECK(fcntl(it.full[1], F_SETFL, O_NONBLOCK) == 0);
  static const char page[4096];
  while (write(it.full[1], page, sizeof page) > 0) continue;
  while (write(it.full[1], page, 1) > 0) continue;
  CHECK(fcntl(it.full[1], F_SETFL, 0) == 0);
  CHECK(openpty(&other, &it.terminal, NULL, NULL, NULL) == 0);
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  it.listener = socket(AF_UNIX, SOCK_STREAM, 0);
  CHECK(bind(it.listener, (struct sockaddr *)&a, sizeof a.sun_family) == 0); /* a name is found */
  CHECK(listen(it.listener, 1) == 0);
  it.epoll = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN};
  CHECK(epoll_ctl(it.epoll, EPOLL_CTL_ADD, it.empty[0], &e) == 0);
  it.queue = msgget(IPC_PRIVATE, 0600);
  it.semaphore = semget(IPC_PRIVATE, 1, 0600);
  CHECK(it.queue >= 0 && it.semaphore >= 0 && sem_init(&it.sem, 0, 0) == 0);
  char dir[] = "/tmp/main_waits-XXXXXX", path[64];
  CHECK(mkdtemp(dir));
  snprintf(it.fifo, sizeof it.fifo, "%s/fifo", dir);
  snprintf(path, sizeof path, "%s/locked", dir);
  CHECK(mkfifo(it.fifo, 0600) == 0 && (it.locked = open(path, O_RDWR | O_CREAT, 0600)) >= 0);
  CHECK((it.stream = fdopen(dup(it.empty[0]), "r")) != NULL);
  if ((it.child = fork()) == 0) {     /* it has the locks */
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* where a check has failed, too */
    int fd = open(path, O_RDWR);
    _exit(fd < 0 || flock(fd, LOCK_EX) != 0 || lockf(fd, F_LOCK, 1) != 0 ||
          write(ready[1], "", 1) != 1 || pause() != 0);
  }
  CHECK(read(ready[0], &byte, 1) == 1);
}
static void tidy_up(void) {
  kill(it.child, SIGKILL);
  CHECK(waitpid(it.child, NULL, 0) == it.child);
  CHECK(msgctl(it.queue, IPC_RMID, NULL) == 0 && semctl(it.semaphore, 0, IPC_RMID) == 0);
  unlink(it.fifo);
  *strrchr(it.fifo, '/') = 0;
  char path[80];
  snprintf(path, sizeof path, "%s/locked", it.fifo);
  unlink(path);
  rmdir(it.fifo);
}

/* ---- Others, and the signal ------------------------------------------------------ */

static void alarm_every(long us) {
  struct itimerval t = {{0, us}, {0, us}};
  CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
}

#ifdef WITH_MALLOW
static _Atomic bool over;
static mw_waitgroup others;
static void comes_and_goes(void *unused) {
  (void)unused;
  while (!over) {
    for (int i = 0; i < 20; i++) mw_yield();
    mw_sleep(1000000);
  }
  mw_waitgroup_done(&others);
}
static void begin(void) {
  for (int i = 0; i < 3; i++) {
    mw_waitgroup_add(&others, 1);
    mw_go(comes_and_goes, NULL);
  }
}
static void finish(void) {
  over = true;
  mw_waitgroup_wait(&others);
}
static void leave_initial_thread(void) {
  while (gettid() == getpid()) mw_sleep(100000);
}
/* Off the initial one: what a jump leaves it leaves on the thread that it comes to. */
static void keep_thread(void) {
  for (;;) {
    leave_initial_thread();
    mw_thread_lock();
    if (gettid() != getpid()) return;
    mw_thread_unlock();
  }
}
static void lose_thread(void) {
  mw_thread_unlock();
}
#else
static void begin(void) {}
static void finish(void) {}
static void leave_initial_thread(void) {}
static void keep_thread(void) {}
static void lose_thread(void) {}
#endif

static void cut(int i) {
  for (int round = 0; round < 10; round++) {
    int before = handled;
    leave_initial_thread();
    errno = 0;
    long r = calls[i].fn();
    CHECK(r == -1 && errno == EINTR);
    CHECK(handled > before);
  }
}

/* Not out of stdio: the stream stays locked, and POSIX does not say what becomes of it. */
static void leave(int i) {
  if (calls[i].fn == in_fgets) return;
  for (volatile int round = 0; round < 10; round++) {
    keep_thread();
    if (sigsetjmp(out, 1) == 0) {
      waits_on = pthread_self();
      struct itimerval t = {.it_value.tv_usec = 3000};
      jumps = 1;
      CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
      for (;;) calls[i].fn();
    }
    jumps = 0;
    lose_thread();
  }
}

#ifdef WITH_MALLOW
static void sends(void *unused) {
  (void)unused;
  kill(getpid(), SIGALRM);
}
/* ---- Beside stops ---------------------------------------------------------------- */

static _Atomic int waiter;

/* Is it in sem_wait, in the kernel? */
static bool is_there(int tid) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tid);
  FILE *f = fopen(path, "r");
  bool got = f && fgets(line, sizeof line, f);
  if (f) fclose(f);
  long number = -1;
  unsigned long at = 0;
  return got && sscanf(line, "%ld %lx", &number, &at) == 2 && number == SYS_futex &&
         at == (unsigned long)&it.sem;
}
static void collects(void *unused) {
  (void)unused;
  while (!over) {
    mw_gc();
    mw_yield();
  }
  mw_waitgroup_done(&others);
}
static void sends_once(void *unused) {
  (void)unused;
  while (!over) {
    int tid = waiter;
    if (tid && is_there(tid)) {
      waiter = 0;
      kill(getpid(), SIGALRM);
    }
    mw_yield();
  }
  mw_waitgroup_done(&others);
}
static void stopped(void) {
  mw_waitgroup_add(&others, 2);
  mw_go(collects, NULL);
  mw_go(sends_once, NULL);
  for (int i = 0; i < 200; i++) {
    waiter = gettid();
    CHECK(sem_wait(&it.sem) == -1 && errno == EINTR);
  }
}

/* On one processor: it is sent when main is not running.  Not for ever: main may have come to the
 * end of its time slice before it is parked. */
static void parked(bool locked) {
  jumps = 2;
  for (;;) {
    if (sigsetjmp(out, 1) != 0) continue;
    if (locked) mw_thread_lock();
    mw_go(sends, NULL);
    in_read_pipe();
  }
}
#endif

int main(int argc, char **argv) {
  const char *how = argc > 1 ? argv[1] : "cut";
  bool jump = !strcmp(how, "jump");
  struct sigaction sa = {.sa_handler = on_signal};
  set_up();
  CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
  begin();
#ifdef WITH_MALLOW
  if (!strcmp(how, "stopped")) stopped();
  if (!strcmp(how, "parked") || !strcmp(how, "locked")) parked(!strcmp(how, "locked"));
#endif
  bool cuts = !strcmp(how, "cut");
  if (cuts) alarm_every(5000);
  for (int i = 0; i < CALLS && (cuts || jump); i++) {
    part = calls[i].name;
    if (cuts)
      cut(i);
    else if (!calls[i].parks)
      leave(i);
  }
  struct itimerval none = {0};
  CHECK(setitimer(ITIMER_REAL, &none, NULL) == 0);
  signal(SIGALRM, SIG_IGN);
  finish();
  tidy_up();
  puts("ok");
  return 0;
}
