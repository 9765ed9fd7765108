/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/handler_busy.c -- a thread that is in a handler keeps no processor from others
 *
 *     handler_busy idle|bound|thread
 *
 * With one processor.  Handlers run on threads that sleep without one, until somebody lets them
 * go who needs the processor for that.
 *
 *   idle     handlers on all idle threads: the processor that main leaves goes to another thread
 *   bound    a goroutine that is bound to its thread becomes runnable while a handler is there:
 *            the processor is given to the thread, and taken back
 *   thread   the same with a thread of the program's
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../check.h"

static _Atomic int entered, left;
static _Atomic bool released;

static void on_signal(int sig) {
  (void)sig;
  entered++;
  while (!released) continue;
  left++;
}

/* A line of /proc/self/task/TID/status, behind its name; false: there is no such thread. */
static bool status(int tid, const char *name, char *value, size_t room) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", tid);
  FILE *f = fopen(path, "r");
  if (!f) return false;
  bool found = false;
  while (!found && fgets(line, sizeof line, f))
    if (!strncmp(line, name, strlen(name))) {
      snprintf(value, room, "%s", line + strlen(name));
      found = true;
    }
  fclose(f);
  return found;
}

static bool sleeps(int tid) {
  char state[16];
  return status(tid, "State:\t", state, sizeof state) && state[0] == 'S';
}

/* Not sysmon, nor a thread of libc's. */
static bool takes(int tid, int sig) {
  char blocked[32];
  return status(tid, "SigBlk:\t", blocked, sizeof blocked) &&
         !(strtoull(blocked, NULL, 16) >> (sig - 1) & 1);
}

enum { MOST = 100 };

/* The other threads that take the signal; -1: one of them is not asleep. */
static int sleepers(int *tids) {
  int n = 0;
  DIR *d = opendir("/proc/self/task");
  CHECK(d);
  for (struct dirent *e; (e = readdir(d)) && n >= 0;) {
    int tid = atoi(e->d_name);
    if (!tid || tid == gettid() || !takes(tid, SIGUSR1)) continue;
    CHECK(n < MOST);
    tids[n++] = tid;
    if (!sleeps(tid)) n = -1;
  }
  closedir(d);
  return n;
}

/* ---- idle ------------------------------------------------------------------ */

static mw_chan *go_on, *ended;

static void has_a_thread(void *there) {
  int value = 1;
  mw_thread_lock();
  mw_chan_send((mw_chan *)there, value);
  CHECK(mw_chan_recv(go_on, &value));
  mw_thread_unlock();
  mw_chan_send(ended, value);
}

static void releases(void *unused) {
  int value = 1;
  (void)unused;
  released = true;
  mw_chan_send(ended, value);
}

static void idle(void) {
  enum { THREADS = 3 };
  int value = 1, tids[MOST];
  mw_chan *there = mw_chan_make(int, 0);
  for (int i = 0; i < THREADS; i++) mw_go(has_a_thread, there);
  for (int i = 0; i < THREADS; i++) CHECK(mw_chan_recv(there, &value));
  for (int i = 0; i < THREADS; i++) mw_chan_send(go_on, value);
  for (int i = 0; i < THREADS; i++) CHECK(mw_chan_recv(ended, &value));
  mw_thread_lock();
  for (int round = 0; round < 10; round++) {
    int n;
    while ((n = sleepers(tids)) < 0) continue;
    CHECK(n >= THREADS);
    released = false;
    entered = left = 0;
    for (int i = 0; i < n; i++) CHECK_EQ(tgkill(getpid(), tids[i], SIGUSR1), 0);
    while (entered < n) continue;
    mw_go(releases, NULL);
    CHECK(mw_chan_recv(ended, &value));
    while (left < n) continue;
  }
  mw_thread_unlock();
}

/* ---- bound ----------------------------------------------------------------- */

static _Atomic int waiter; /* its tid, once it is about to wait; then 0 */

static void waits(void) {
  int value;
  for (int round = 0; round < 10; round++) {
    waiter = gettid();
    CHECK(mw_chan_recv(go_on, &value));
    CHECK_EQ(value, round);
    CHECK_EQ(left, 1); /* on this thread */
    waiter = 0;
    mw_chan_send(ended, value);
  }
}
static void bound_waits(void *unused) {
  (void)unused;
  mw_thread_lock();
  waits();
  mw_thread_unlock();
}
static void *thread_waits(void *unused) {
  (void)unused;
  waits();
  return NULL;
}

static void lets_wait(void) {
  for (int round = 0, value = 0; round < 10; round++) {
    while (!waiter || !sleeps(waiter)) mw_yield();
    released = false;
    entered = left = 0;
    CHECK_EQ(tgkill(getpid(), waiter, SIGUSR1), 0);
    while (!entered) mw_yield();
    mw_chan_send(go_on, round);
    for (int i = 0; i < 20; i++) mw_yield(); /* the processor goes to the waiter's thread */
    released = true;
    CHECK(mw_chan_recv(ended, &value));
    CHECK_EQ(value, round);
  }
}

int main(int argc, char **argv) {
  const char *which = argc > 1 ? argv[1] : "";
  struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  CHECK_EQ(sigaction(SIGUSR1, &sa, NULL), 0);
  go_on = mw_chan_make(int, 0);
  ended = mw_chan_make(int, 0);
  if (!strcmp(which, "idle")) {
    idle();
  } else if (!strcmp(which, "bound")) {
    mw_go(bound_waits, NULL);
    lets_wait();
  } else {
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, thread_waits, NULL), 0);
    lets_wait();
    CHECK_EQ(pthread_join(t, NULL), 0);
  }
  puts("ok");
  return 0;
}
