/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/alone.c -- main has a thread of its own until it starts a goroutine
 *
 *     alone CASE
 *
 *   waits      reads, sleeps, polls, collections: the same thread afterwards
 *   threads    the same beside threads of the program's
 *   signals    sent to any of the runtime's threads, they come on main's: while it
 *              computes and while it waits, and what a handler is told of them is true
 *   handlers   of two signals, sent to any thread, interrupt main or each other, and are never
 *              beside one another: not while main waits either
 *   once       a handler with SA_RESETHAND: in main, where it is not beside main's code, and once
 *   goes       the first goroutine ends it: others run on main's thread while main waits
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <mallow.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../check.h"

static _Thread_local long mine; /* what a library would keep for its thread */

typedef struct node {
  struct node *next;
} node;

static void litter(void) {
  node *head = NULL;
  for (int i = 0; i < 20000; i++) {
    node *n = mw_new(node);
    n->next = i % 100 == 0 ? NULL : head;
    head = n;
  }
}

/* Everything that parked main, and let another thread go on with it. */
static void waits(int in, int out) {
  mine = 42;
  pid_t thread = gettid();
  pthread_t self = pthread_self();
  for (int i = 0; i < 200; i++) {
    char b = 'x';
    CHECK(write(out, &b, 1) == 1);
    CHECK(read(in, &b, 1) == 1 && b == 'y');
    CHECK(write(out, &b, 1) == 1);
    struct pollfd p = {.fd = in, .events = POLLIN};
    CHECK(poll(&p, 1, -1) == 1);
    CHECK(recv(in, &b, 1, 0) == 1);
    CHECK(usleep(50) == 0);
    mw_sleep(50000);
    litter();
    if (i % 20 == 0) mw_gc();
    mw_yield();
    CHECK(mine == 42 && gettid() == thread && pthread_equal(pthread_self(), self));
  }
}

static void answer(int fd) {
  char b;
  while (read(fd, &b, 1) == 1) {
    usleep(20); /* so that the other end waits */
    b = 'y';
    if (write(fd, &b, 1) != 1) _exit(1);
  }
}

static void *answer_thread(void *arg) {
  answer(*(int *)arg);
  return NULL;
}

static void *busy(void *stop) {
  while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) litter();
  return NULL;
}

static pid_t sender;
static volatile sig_atomic_t came, elsewhere, untrue;
static void on_usr1(int sig, siginfo_t *info, void *uc) {
  (void)uc;
  came++;
  elsewhere += gettid() != getpid();
  untrue += sig != SIGUSR1 || info->si_signo != SIGUSR1 || info->si_code != SI_TKILL ||
            (sender && info->si_pid != sender);
}

/* To one thread of the process after the other but `spared`: to all at once, the handlers that
 * follow on each other would leave main no time, if they take longer than we sleep. */
static void pester(pid_t process, int sig, pid_t spared) {
  char name[64];
  snprintf(name, sizeof name, "/proc/%d/task", process);
  while (getppid() == process) {
    DIR *d = opendir(name);
    for (struct dirent *e; d && (e = readdir(d));) {
      int tid = atoi(e->d_name);
      if (tid <= 0 || tid == spared) continue;
      syscall(SYS_tgkill, process, tid, sig);
      usleep(200);
    }
    if (d) closedir(d);
    usleep(200);
  }
}

static void signals(int in) {
  struct sigaction sa = {.sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  mw_gc(); /* there are threads */
  pid_t self = getpid();
  if ((sender = fork()) == 0) {
    pester(self, SIGUSR1, self);
    _exit(0);
  }
  for (int before = came; came < before + 200;) continue; /* it never stands still */
  for (int i = 0; i < 50; i++) {
    char b;
    CHECK(read(in, &b, 1) == -1 && errno == EINTR);
  }
  CHECK(came > 0);
  CHECK(elsewhere == 0);
  CHECK(untrue == 0);
  sa = (struct sigaction){.sa_handler = SIG_IGN};
  CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
  CHECK(kill(sender, SIGKILL) == 0);
}

static volatile sig_atomic_t inside, beside, nested; /* the thread of the handler under way */
static void on_either(int sig) {
  (void)sig;
  pid_t was = inside, here = gettid();
  came++;
  beside += was && was != here;
  nested += was == here;
  inside = here;
  for (volatile int i = 0; i < 10000; i++) continue; /* others come meanwhile */
  if (!nested && !was && came > 100) raise(sig == SIGUSR1 ? SIGUSR2 : SIGUSR1); /* none has */
  beside += inside != here;
  inside = was;
}

static void handlers(int in) {
  signal(SIGUSR1, on_either);
  struct sigaction sa = {.sa_handler = on_either}; /* for EINTR */
  CHECK(sigaction(SIGUSR2, &sa, NULL) == 0);
  mw_gc(); /* there are threads */
  pid_t self = getpid(), senders[2];
  for (int i = 0; i < 2; i++) {
    if ((senders[i] = fork()) != 0) continue;
    pester(self, i ? SIGUSR2 : SIGUSR1, 0);
    _exit(0);
  }
  for (int i = 0; i < 100; i++) {
    char b;
    CHECK(read(in, &b, 1) == -1 && errno == EINTR && !inside);
    for (int before = came; came < before + 10;) CHECK(!inside);
    mw_sleep(1000000); /* parked, as it is not in a read */
    CHECK(!inside);
    mw_gc();
    CHECK(!inside);
  }
  CHECK(beside == 0);
  CHECK(nested > 0);
  for (int i = 0; i < 2; i++) CHECK(kill(senders[i], SIGKILL) == 0);
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR2, SIG_IGN);
}

/* With a signal whose default does nothing: only the first of those that come is the handler's. */
static volatile sig_atomic_t main_works;
static volatile long scratch;
static void on_once(int sig) {
  struct sigaction now;
  elsewhere += gettid() != getpid();
  came++;
  beside += sigaction(sig, NULL, &now) != 0 || now.sa_handler != SIG_DFL;
  if (!main_works) return;
  long was = scratch;
  for (volatile int i = 0; i < 3000; i++) continue;
  beside += scratch != was;
}

static void once(int in) {
  mw_gc(); /* there are threads */
  pid_t self = getpid();
  if ((sender = fork()) == 0) {
    pester(self, SIGWINCH, self);
    _exit(0);
  }
  for (int i = 0; i < 300; i++) {
    struct sigaction sa = {.sa_handler = on_once, .sa_flags = (int)SA_RESETHAND}, told;
    if (i % 3 == 1) sa.sa_flags |= SA_NODEFER;
    sig_atomic_t before = came;
    if (i % 3 != 2) {
      main_works = 1;
      CHECK(sigaction(SIGWINCH, &sa, NULL) == 0);
      while (came == before) scratch++;
      main_works = 0;
    } else {
      struct pollfd p = {.fd = in, .events = POLLIN};
      CHECK(sigaction(SIGWINCH, &sa, NULL) == 0);
      while (came == before) CHECK(poll(&p, 1, 5) <= 0); /* it may come before the wait */
    }
    for (int k = 0; k < 1000; k++) scratch++;
    CHECK(came == before + 1);
    CHECK(sigaction(SIGWINCH, NULL, &told) == 0 && told.sa_handler == SIG_DFL);
  }
  CHECK(elsewhere == 0);
  CHECK(beside == 0);
  CHECK(kill(sender, SIGKILL) == 0);
}

typedef struct pair {
  mw_chan *there, *back;
} pair;

static void echo(void *arg) {
  pair *p = arg;
  long v;
  while (mw_chan_recv(p->there, &v)) mw_chan_send(p->back, v);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  int s[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  if (strcmp(what, "waits") == 0) {
    pid_t child = fork();
    if (child == 0) {
      close(s[0]);
      answer(s[1]);
      _exit(0);
    }
    close(s[1]);
    waits(s[0], s[0]);
  } else if (strcmp(what, "threads") == 0) {
    pthread_t t, b;
    static int stop;
    CHECK(pthread_create(&t, NULL, answer_thread, &s[1]) == 0);
    CHECK(pthread_create(&b, NULL, busy, &stop) == 0);
    waits(s[0], s[0]);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    shutdown(s[0], SHUT_RDWR);
    CHECK(pthread_join(t, NULL) == 0 && pthread_join(b, NULL) == 0);
  } else if (strcmp(what, "signals") == 0) {
    signals(s[0]);
  } else if (strcmp(what, "handlers") == 0) {
    handlers(s[0]);
  } else if (strcmp(what, "once") == 0) {
    once(s[0]);
  } else if (strcmp(what, "goes") == 0) {
    enum { MESSAGES = 50000 };
    mw_chan *there = mw_chan_make(long, 0), *back = mw_chan_make(long, 0);
    pair *p = mw_new(pair);
    *p = (pair){there, back};
    mw_go(echo, p);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    int64_t start = mw_nanotime();
    for (long i = 0, v; i < MESSAGES; i++) {
      mw_chan_send(there, i);
      CHECK(mw_chan_recv(back, &v) && v == i);
    }
    getrusage(RUSAGE_SELF, &after);
    /* bound, each message would change threads, and wait for that in the kernel; sysmon wakes up by
     * itself each millisecond */
    int64_t by_sysmon = 2 * (mw_nanotime() - start) / 1000000;
    CHECK(after.ru_nvcsw - before.ru_nvcsw - by_sysmon < MESSAGES / 10);
  } else {
    fprintf(stderr, "usage: alone waits|threads|signals|handlers|once|goes\n");
    return 2;
  }
  puts("ok");
}
