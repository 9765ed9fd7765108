/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/unstopped.c -- where a signal that has interrupted compiled code keeps its
 * thread from being stopped, though nothing there is compiled code
 *
 *     unstopped CASE
 *
 *   counted   libc's code that the runtime calls before the program's handler: one whose signal is
 *             not blocked meanwhile (SA_NODEFER)
 *   returned  libc's way back to the kernel, behind a handler that a library has installed
 *   words     a barrier of many words in a handler, which looks for requests on its way
 *
 * What is interrupted may be between a barrier's flag and its store [P1], [N1].  Another goroutine
 * has the world stopped again and again, and says when it begins to and when it has: who
 * sees no stop requested, and then one that has been, was stopped in between.
 */
#define _GNU_SOURCE 1
#include <signal.h>
#include <ucontext.h>

#include "../check.h"
#include "unstopped_plain.h"

enum { ROUNDS = 100 };

static _Atomic bool over;

static void stops(void *unused) {
  (void)unused;
  for (int n = 3; !over; n = 7 - n) {
    stops_begun++;
    mw_set_max_procs(n);
    stops_ended = stops_begun;
  }
}

/* Between the two no poll, and no call. */
#define INTERRUPTED __asm__ volatile("ud2" : : : "memory")

static _Atomic int handled;
static void steps_over(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] += 2;
  handled++;
}

static void counted(void) {
  struct sigaction sa = {.sa_sigaction = steps_over, .sa_flags = SA_SIGINFO | SA_NODEFER};
  CHECK(sigaction(SIGILL, &sa, NULL) == 0);
  mw_go(stops, NULL);
  mw_thread_lock();
  plain_watch();
  for (int i = 0; i < ROUNDS; i++) {
    plain_armed = true;
    INTERRUPTED;
    CHECK(handled == i + 1 && !plain_armed); /* it has been there */
    CHECK(!plain_stopped);
  }
}

static void returned(void) {
  plain_step_from(SIGILL);
  mw_go(stops, NULL);
  mw_thread_lock();
  for (int i = 0; i < ROUNDS; i++) {
    plain_steps = 0;
    INTERRUPTED;
    long ended = stops_ended; /* compiled code, and still no poll */
    CHECK(plain_steps == 2);
    CHECK(!plain_stopped && ended <= plain_seen);
  }
}

typedef struct node {
  struct node *next;
} node;
enum { WORDS = 100000 };
static node **words, **copy;

static void collects(void *unused) {
  (void)unused;
  while (!over) {
    stops_begun++;
    mw_gc();
    stops_ended = stops_begun;
  }
}

static _Atomic long stopped_in_copy;
static void copies(int sig, siginfo_t *info, void *uc) {
  steps_over(sig, info, uc);
  long seen = stops_begun;
  int64_t end = mw_nanotime() + 5000000;
  do {
    memcpy(copy, words, WORDS * sizeof *words);
    memcpy(words, copy, WORDS * sizeof *words);
  } while (stops_ended <= seen && mw_nanotime() < end);
  if (stops_ended > seen) stopped_in_copy++;
}

static void many_words(void) {
  struct sigaction sa = {.sa_sigaction = copies, .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGILL, &sa, NULL) == 0);
  words = mw_make(node *, WORDS);
  copy = mw_make(node *, WORDS);
  for (int i = 0; i < WORDS; i++) words[i] = mw_new(node);
  mw_go(collects, NULL);
  mw_thread_lock();
  for (int i = 0; i < ROUNDS; i++) {
    mw_sleep(100000 * (i % 8));
    INTERRUPTED;
    CHECK(handled == i + 1);
    CHECK(!stopped_in_copy);
  }
}

int main(int argc, char **argv) {
  const struct check_case cases[] = {
      {"counted", counted}, {"returned", returned}, {"words", many_words}};
  return CHECK_CASE(cases, argc, argv);
}
