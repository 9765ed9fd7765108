/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/leaves.c -- siglongjmp out of what is libc's: its waits, and its short calls
 *
 *     leaves HOW JUMPS
 *
 *   main    in main; the signals are sent to its thread
 *   thread  in a thread of the program's; the signals are sent to it
 *   beside  in main; they are sent to the process, in which other threads block them
 *
 * Plain C, that clang alone compiles as well and that has to pass there.  timelimit.c has the waits
 * that are system calls; here are those that libc's functions wait in, which the runtime calls
 * where it counts as stopped (MWI_LIBC), and the calls that POSIX lets a handler leave anywhere, in
 * which the runtime has something to do.  After each jump what has been left works again, and
 * collections find what they should.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_MALLOW
#include <mallow.h>
#endif

static const char *current;
#define CHECK(c)                                                                                   \
  do {                                                                                             \
    if (!(c)) {                                                                                    \
      fprintf(stderr, "FAIL: %s, line %d: %s (errno %d)\n", current, __LINE__, #c, errno);         \
      _exit(1);                                                                                    \
    }                                                                                              \
  } while (0)

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, mine;
static pthread_cond_t cond;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static sem_t sem;
static pthread_t endless;
static int nothing[2], locked; /* a pipe that stays empty, a file that another process has locked */
static FILE *in;

/* ---- Waits ------------------------------------------------------------------- */

static void wait_read(void) {
  char c;
  (void)!read(nothing[0], &c, 1);
}
static void wait_lockf(void) {
  (void)!lockf(locked, F_LOCK, 0);
}
static void wait_system(void) {
  (void)!system("exec sleep 2");
}
static void wait_mutex(void) {
  pthread_mutex_lock(&held);
}
static void wait_cond(void) {
  mine = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER; /* the last jump has left them as they were */
  cond = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  pthread_mutex_lock(&mine);
  for (;;) pthread_cond_wait(&cond, &mine);
}
static void wait_rwlock(void) {
  pthread_rwlock_wrlock(&rw);
}
static void wait_sem(void) {
  sem_wait(&sem);
}
static void wait_join(void) {
  pthread_join(endless, NULL);
}
static void wait_stream(void) {
  fgetc(in);
}
static void wait_popen(void) {
  char c[8];
  FILE *f = popen("exec sleep 2", "r");
  CHECK(f);
  (void)!fgets(c, sizeof c, f);
}
static void wait_pclose(void) {
  FILE *f = popen("exec sleep 2", "r");
  CHECK(f);
  pclose(f);
}
static void wait_futex(void) {
  int f = 0;
  syscall(SYS_futex, &f, FUTEX_WAIT, 0, NULL);
}
static void wait_thrd_sleep(void) {
  thrd_sleep(&(struct timespec){3600, 0}, NULL);
}

/* ---- Short calls --------------------------------------------------------------- */

static void short_descriptors(void) {
  int p[2];
  if (pipe(p) != 0) return; /* a jump leaves some open */
  int d = dup(p[0]);
  dup2(p[0], p[1]);
  fcntl(p[0], F_GETFL);
  fcntl(p[0], F_SETFL, O_NONBLOCK);
  close(d);
  close(p[0]);
  close(p[1]);
}
static void short_files(void) {
  int d = open("/dev/null", O_RDWR);
  (void)!write(d, "x", 1);
  close(d);
}
static void short_sockets(void) {
  int s[2];
  char b[3];
  struct timeval second = {1, 0};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) != 0) return;
  (void)!write(s[0], "abc", 3);
  (void)!read(s[1], b, 3);
  setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  shutdown(s[0], SHUT_RDWR);
  close(s[0]);
  close(s[1]);
  int l = socket(AF_INET, SOCK_STREAM, 0);
  listen(l, 1);
  close(l);
}
static void short_signals(void) {
  struct sigaction sa = {.sa_handler = SIG_IGN};
  sigset_t set;
  sigaction(SIGUSR2, &sa, NULL);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  raise(SIGUSR2);
}
static void short_polls(void) {
  struct pollfd f = {nothing[0], POLLIN, 0};
  struct timeval now = {0};
  fd_set r;
  poll(&f, 1, 0);
  FD_ZERO(&r);
  FD_SET(nothing[0], &r);
  select(nothing[0] + 1, &r, NULL, NULL, &now);
  nanosleep(&(struct timespec){0, 1}, NULL);
}
static void short_execs(void) {
  char *argv[] = {(char *)"x", NULL};
  execv("/nonexistent", argv);
  execve("/nonexistent", argv, argv);
}
/* What of these the kernel or libc holds is an object, which the runtime keeps. */
static void *object(void) {
#ifdef WITH_MALLOW
  return mw_new(struct timespec);
#else
  return stdout;
#endif
}
static void watch(int set, int op, int d) {
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = object()};
  epoll_ctl(set, op, d, &e);
}
static void short_events(void) {
  int set = epoll_create1(0), d = eventfd(0, 0);
  watch(set, EPOLL_CTL_ADD, d);
  watch(set, EPOLL_CTL_MOD, d);
  epoll_ctl(set, EPOLL_CTL_DEL, d, NULL);
  close(d);
  close(set);
}
static void short_timers(void) {
  struct sigevent e = {.sigev_notify = SIGEV_NONE, .sigev_value.sival_ptr = object()};
  timer_t t;
  if (timer_create(CLOCK_MONOTONIC, &e, &t) == 0) timer_delete(t);
}
static void short_forks(void) {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  waitpid(pid, NULL, 0);
}

static const struct call {
  const char *name;
  void (*fn)(void);
  bool waits;
} calls[] = {
    {"read", wait_read, true},         {"lockf", wait_lockf, true},
    {"system", wait_system, true},     {"mutex", wait_mutex, true},
    {"cond", wait_cond, true},         {"rwlock", wait_rwlock, true},
    {"sem", wait_sem, true},           {"join", wait_join, true},
    {"stream", wait_stream, true},     {"popen", wait_popen, true},
    {"pclose", wait_pclose, true},     {"futex", wait_futex, true},
    {"sleep", wait_thrd_sleep, true},  {"descriptors", short_descriptors, false},
    {"files", short_files, false},     {"sockets", short_sockets, false},
    {"signals", short_signals, false}, {"polls", short_polls, false},
    {"execs", short_execs, false},     {"events", short_events, false},
    {"timers", short_timers, false},
#ifdef WITH_MALLOW
    {"forks", short_forks, false}, /* libc's alone has locks that it leaves locked, beside threads
                                    */
#endif
};
enum { CALLS = sizeof calls / sizeof *calls };

/* ---- Signals -------------------------------------------------------------------- */

static sigjmp_buf out;
static volatile sig_atomic_t armed, jumps, most;

static void on_alarm(int sig) {
  (void)sig;
  if (!armed) return;
  armed = 0;
  jumps++;
  siglongjmp(out, 7);
}

/* Another process sends the signals: where the thread sleeps and goes on sleeping, or at any time.
 */
static int to_poker[2];
struct order {
  pid_t pid, tid; /* tid: to that thread, or else to the process */
  bool when_asleep;
};

static long sleeps(pid_t pid, pid_t tid) { /* how often it has gone to sleep, if it does; else -1 */
  char path[64], line[256];
  long n = -1;
  bool asleep = false;
  snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)tid);
  FILE *f = fopen(path, "r");
  if (!f) _exit(0);
  while (fgets(line, sizeof line, f)) {
    if (!strncmp(line, "State:\tS", 8)) asleep = true;
    sscanf(line, "voluntary_ctxt_switches: %ld", &n);
  }
  fclose(f);
  return asleep ? n : -1;
}

static void pokes(void) {
  struct order o = {0};
  for (long before = -1;;) {
    struct pollfd p = {to_poker[0], POLLIN, 0};
    if (poll(&p, 1, 1) == 1 && read(to_poker[0], &o, sizeof o) != (ssize_t)sizeof o) _exit(0);
    if (!o.pid) continue;
    pid_t of = o.tid ? o.tid : o.pid;
    long now = o.when_asleep ? sleeps(o.pid, of) : 0;
    if (!o.when_asleep || (now >= 0 && now == before)) {
      if (o.tid ? syscall(SYS_tgkill, o.pid, o.tid, SIGALRM) : kill(o.pid, SIGALRM)) _exit(0);
    }
    before = now;
  }
}

static void *volatile litter;
static void collect(void) {
#ifdef WITH_MALLOW
  for (int i = 0; i < 200; i++) litter = mw_new(struct timespec);
#else
  litter = stdout;
#endif
}

static void leave_all(pid_t tid) {
  for (volatile int i = 0; i < CALLS; i++) {
    const struct call *c = &calls[i];
    current = c->name;
    struct order o = {getpid(), tid, c->waits};
    CHECK(write(to_poker[1], &o, sizeof o) == (ssize_t)sizeof o);
    for (jumps = 0; jumps < most;) {
      int before = jumps;
      if (sigsetjmp(out, 1) == 0) {
        armed = 1;
        for (;;) c->fn();
      }
      CHECK(jumps == before + 1);
      collect();
    }
    sigset_t now;
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 && !sigismember(&now, SIGALRM));
    closefrom(100); /* those that are left open */
  }
}

static void block(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  CHECK(pthread_sigmask(how, &set, NULL) == 0);
}

static void *leaves_all(void *unused) {
  block(SIG_UNBLOCK);
  leave_all(gettid());
  return unused;
}

static sem_t ready;
static void *holds(void *unused) {
  CHECK(pthread_mutex_lock(&held) == 0 && pthread_rwlock_wrlock(&rw) == 0);
  sem_post(&ready);
  for (;;) pause();
  return unused;
}
static void *ends_never(void *unused) {
  sem_post(&ready);
  for (;;) pause();
  return unused;
}

/* A process that ends with this one. */
static pid_t helper(void (*fn)(void)) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  fn();
  _exit(0);
}
static void locks(void) {
  CHECK(lockf(locked, F_LOCK, 0) == 0 && write(nothing[1], "x", 1) == 1);
  for (;;) pause();
}

int main(int argc, char **argv) {
  current = "start";
  const char *how = argc > 1 ? argv[1] : "main";
  most = argc > 2 ? atoi(argv[2]) : 20;
  char name[] = "/tmp/mallow-leaves-XXXXXX", c;
  CHECK(pipe(nothing) == 0 && pipe(to_poker) == 0 && sem_init(&ready, 0, 0) == 0);
  CHECK((locked = mkstemp(name)) >= 0 && unlink(name) == 0);
  pid_t locker = helper(locks), poker = helper(pokes);
  CHECK(read(nothing[0], &c, 1) == 1);
  close(to_poker[0]); /* the poker ends when we do not listen any more */
  CHECK((in = fdopen(dup(nothing[0]), "r")) != NULL && sem_init(&sem, 0, 0) == 0);
  struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
  pthread_t t;
  block(SIG_BLOCK);
  CHECK(pthread_create(&t, NULL, holds, NULL) == 0);
  CHECK(pthread_create(&endless, NULL, ends_never, NULL) == 0);
  for (int i = 0; i < 2; i++)
    while (sem_wait(&ready) != 0) CHECK(errno == EINTR);
  if (!strcmp(how, "thread")) {
    CHECK(pthread_create(&t, NULL, leaves_all, NULL) == 0 && pthread_join(t, NULL) == 0);
  } else {
    block(SIG_UNBLOCK);
    leave_all(!strcmp(how, "main") ? gettid() : 0);
  }
  kill(poker, SIGKILL);
  kill(locker, SIGKILL);
  puts("ok");
  fflush(stdout);
  _exit(0);
}
