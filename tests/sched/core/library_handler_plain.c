/* SPDX-License-Identifier: MIT */
/* tests/sched/core/library_handler_plain.c -- see library_handler_plain.h */
#define _GNU_SOURCE 1
#include "library_handler_plain.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>

enum { HANDLER_NS = 4000000, CODE_BYTES = 4096 };

_Atomic long library_collections, library_handlers[LIBRARY_OVERS], library_most[LIBRARY_OVERS];

static uintptr_t code;
static volatile bool inside; /* `target` is in library_works */
static pthread_t target, sender;
static _Atomic bool ended;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

__attribute__((noinline)) void library_works(int ms) {
  inside = true;
  for (volatile long i = 0; i < ms * 300000L; i++) continue;
  inside = false;
}

static void handle(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  uintptr_t pc = (uintptr_t)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
  if (!inside && pc - code >= CODE_BYTES) return;
  int over = inside ? LIBRARY_OVER_EXTERNAL : LIBRARY_OVER_COMPILED;
  long before = library_collections;
  int64_t end = now_ns() + HANDLER_NS;
  while (now_ns() < end) continue;
  /* there they come, however long it takes */
  while (inside && library_collections < before + 2) continue;
  long n = library_collections - before;
  if (n > library_most[over]) library_most[over] = n;
  library_handlers[over]++;
}

static void *sends(void *unused) {
  while (!ended) {
    struct timespec t = {.tv_nsec = 3 * HANDLER_NS}; /* what is interrupted gets on */
    nanosleep(&t, NULL);
    pthread_kill(target, SIGUSR2);
  }
  return unused;
}

void library_begin(uintptr_t compiled, pthread_t to) {
  struct sigaction sa = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART};
  code = compiled;
  target = to;
  if (sigaction(SIGUSR2, &sa, NULL) != 0) abort();
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  if (pthread_create(&sender, NULL, sends, NULL) != 0) abort();
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void library_end(void) {
  ended = true;
  pthread_join(sender, NULL);
  signal(SIGUSR2, SIG_IGN);
}
