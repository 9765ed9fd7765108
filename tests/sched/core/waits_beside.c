/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/waits_beside.c -- a server with threads of its own waits as in plain C
 *
 *   main      has started no goroutine, but threads: it waits in the kernel on its own thread, so
 *             there is no other that has to be woken, for it or by it
 *   threads   that wait for a condition or a lock: stops of the world pass them by
 *
 * Nothing is measured by a clock: the kernel counts how often a thread has gone to sleep.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "../check.h"

enum { TURNS = 2000, COLLECTIONS = 50 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static mtx_t c11_mutex;
static cnd_t c11_cond;
static bool told;
static int *_Atomic kept[3]; /* and each thread has met the runtime */
static _Atomic pid_t tid[3];

static void begin(int k) {
  kept[k] = mw_new(int);
  tid[k] = gettid();
}

static void *waits_for_condition(void *unused) {
  begin(0);
  pthread_mutex_lock(&mutex);
  while (!told) pthread_cond_wait(&cond, &mutex);
  pthread_mutex_unlock(&mutex);
  return unused;
}

static void *waits_for_lock(void *unused) {
  begin(1);
  pthread_mutex_lock(&held);
  pthread_mutex_unlock(&held);
  return unused;
}

static void *waits_as_c11(void *unused) {
  begin(2);
  mtx_lock(&c11_mutex);
  while (!told) cnd_wait(&c11_cond, &c11_mutex);
  mtx_unlock(&c11_mutex);
  return unused;
}

static long field(pid_t t, const char *name) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)t);
  FILE *f = fopen(path, "r");
  CHECK(f != NULL);
  long n = -1;
  while (fgets(line, sizeof line, f))
    if (strncmp(line, name, strlen(name)) == 0)
      n = name[0] == 'S' ? line[strlen(name) + 1] : strtol(line + strlen(name), NULL, 10);
  fclose(f);
  return n;
}

/* How often the threads that are neither main's nor one of ours have slept, the busiest of them,
 * which may be sysmon, left out. */
static long runtime_slept(void) {
  long sum = 0, most = 0;
  DIR *d = opendir("/proc/self/task");
  CHECK(d != NULL);
  for (struct dirent *e; (e = readdir(d));) {
    pid_t t = atoi(e->d_name);
    if (t == 0 || t == getpid() || t == tid[0] || t == tid[1] || t == tid[2]) continue;
    long n = field(t, "voluntary_ctxt_switches:");
    if (n > most) most = n;
    sum += n;
  }
  closedir(d);
  return sum - most;
}

static void echoes(int s) {
  char c;
  while (read(s, &c, 1) == 1)
    if (write(s, &c, 1) != 1) _exit(1);
  _exit(0);
}

static void main_waits(int s) {
  int ep = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN}, got;
  CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, s, &e) == 0);
  for (int i = 0; i < TURNS; i++) {
    char c = 'x';
    CHECK(write(s, &c, 1) == 1);
    if (i % 2) /* EINTR where the process has been stopped and continued: signal(7) */
      for (int n; (n = epoll_wait(ep, &got, 1, -1)) != 1;) CHECK(n < 0 && errno == EINTR);
    CHECK(read(s, &c, 1) == 1);
  }
  close(ep);
}

int main(void) {
  int s[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    close(s[0]);
    echoes(s[1]);
  }
  close(s[1]);
  CHECK(mtx_init(&c11_mutex, mtx_plain) == thrd_success && cnd_init(&c11_cond) == thrd_success);
  pthread_mutex_lock(&held);
  pthread_t t[3];
  CHECK(pthread_create(&t[0], NULL, waits_for_condition, NULL) == 0);
  CHECK(pthread_create(&t[1], NULL, waits_for_lock, NULL) == 0);
  CHECK(pthread_create(&t[2], NULL, waits_as_c11, NULL) == 0);
  long slept[3];
  for (int k = 0; k < 3; k++) {
    while (!tid[k]) usleep(1000);
    long before = -1; /* asleep, and not woken between two looks: in the wait */
    do {
      before = field(tid[k], "voluntary_ctxt_switches:");
      usleep(20000);
      slept[k] = field(tid[k], "voluntary_ctxt_switches:");
    } while (field(tid[k], "State:") != 'S' || before != slept[k]);
  }

  main_waits(s[0]);
  CHECK(runtime_slept() < TURNS / 4);

  for (int i = 0; i < COLLECTIONS; i++) mw_gc();
  /* Not once for each; what stops the whole process for a while wakes them, too. */
  for (int k = 0; k < 3; k++)
    CHECK(field(tid[k], "voluntary_ctxt_switches:") - slept[k] < COLLECTIONS / 2);

  pthread_mutex_lock(&mutex);
  mtx_lock(&c11_mutex);
  told = true;
  pthread_cond_signal(&cond);
  cnd_signal(&c11_cond);
  mtx_unlock(&c11_mutex);
  pthread_mutex_unlock(&mutex);
  pthread_mutex_unlock(&held);
  for (int k = 0; k < 3; k++) CHECK(pthread_join(t[k], NULL) == 0);
  close(s[0]);
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  puts("ok");
  return 0;
}
