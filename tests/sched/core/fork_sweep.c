/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/fork_sweep.c -- nothing sweeps beside a fork [Z3]
 *
 *     fork_sweep [ROUNDS]
 *
 * A goroutine is in libc, called by the runtime in the middle of an allocation, when the world is
 * stopped for a fork: fork_sweep_plain.c keeps it there.  It goes on without a
 * processor while the fork is under way, and the allocation's next step would be to sweep.  That
 * has to wait, or the child inherits a span in the middle of it.  The checking runtime
 * stops at a sweep without a processor; in the others the child hangs, with luck.
 * The heap profile looks at the large allocation's stack, through the external frame.
 * Two processors: the other one is main's, who spins, so nobody else sweeps meanwhile.
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../check.h"

extern _Atomic int trap_wanted, trap_entered, trap_forks, trap_times;
void plain_calls(void (*fn)(void *), void *arg);

typedef struct node {
  struct node *next;
  long value[14];
} node;

static node *kept, *volatile litter;
static char *volatile large;
static _Atomic int begun, ended;
enum { KEPT = 300000 };

static uint64_t cycles(void) {
  mw_mem_stats s;
  mw_read_mem_stats(&s);
  return s.num_gc;
}

static void litters(int n) {
  for (int i = 0; i < n; i++) {
    node *x = mw_new(node);
    x->next = i % 50 ? litter : NULL;
    litter = x;
  }
}

/* Behind a collection, whose sweep is under way, and into the trap. */
static void allocates(void *unused) {
  (void)unused;
  for (uint64_t n = cycles(); cycles() == n;) litters(500);
  trap_wanted = 1;
  large = mw_make(char, 16 << 20);
  trap_wanted = 0;
}

static void goroutine(void *unused) {
  (void)unused;
  for (int i = 1;; i++) {
    while (begun < i) mw_sleep(100000);
    plain_calls(allocates, NULL);
    ended = i;
  }
}

static void forks(void) {
  trap_forks = 1;
}

static void child(void) {
  litters(20000);
  mw_gc();
  long n = 0;
  for (node *x = kept; x; x = x->next) n++;
  _exit(n == KEPT ? 0 : 1);
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 5;
  CHECK(pthread_atfork(forks, NULL, NULL) == 0);
  for (int i = 0; i < KEPT; i++) {
    node *x = mw_new(node);
    x->next = kept;
    kept = x;
  }
  mw_go(goroutine, NULL);
  for (int i = 1; trap_times < rounds; i++) {
    trap_entered = trap_forks = 0;
    begun = i;
    while (!trap_entered && ended < i) continue; /* or its processor would sweep */
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child();
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    while (ended < i) mw_sleep(50000);
  }
  puts("ok");
}
