/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/fork_malloc.c -- fork beside a handler that has interrupted malloc [Z2]
 *
 * libc's fork takes malloc's locks. So nobody may wait for the fork's end who has one, and a
 * handler that comes on a thread in a call like getnameinfo, while the world is stopped, may have
 * interrupted just that; as may one that computes, and is asked to stop.
 */
#define _GNU_SOURCE 1
#include <netdb.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../check.h"
#include "fork_malloc_plain.h"

enum { FORKS = 150 };

static _Atomic bool over;
static _Atomic long handled, sum;
static struct item {
  struct item *next;
} *volatile item;

static void on_alarm(int sig) {
  (void)sig;
  for (long i = 0; i < 20000; i++) sum += i % 7;
  item = item->next;
  handled++;
}

static void forks(void *unused) {
  (void)unused;
  while (!handled || !plain_calls) mw_yield(); /* both are under way */
  for (int i = 0; i < FORKS; i++) {
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) _exit(item == item->next ? 7 : 8);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
  }
  over = true;
}

static void collects(void *unused) {
  (void)unused;
  while (!over) {
    mw_gc();
    mw_sleep(500000);
  }
}

int main(void) {
  struct itimerval often = {{0, 300}, {0, 300}}, never = {0};
  item = mw_new(struct item);
  item->next = item;
  struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
  mw_go(forks, NULL);
  mw_go(collects, NULL);
  mw_thread_lock();
  CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
  while (!over) {
    getnameinfo(NULL, 0, NULL, 0, NULL, 0, 0); /* ours: takes and gives back memory */
    plain_memory();
  }
  CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
  puts("ok");
  return 0;
}
