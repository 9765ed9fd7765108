/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fork_sweep_plain.c -- see fork_sweep.c; compiled by clang alone */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

_Atomic int trap_wanted; /* the next look-up stays until trap_forks is set, and a little longer */
_Atomic int trap_entered, trap_forks;
static _Thread_local int ours; /* the thread whose look-ups are meant */

static int64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* In front of libc's, which the runtime calls to find external code's unwind tables. */
typedef int find(void *pc, struct dl_find_object *result);
int _dl_find_object(void *pc, struct dl_find_object *result) {
  static find *_Atomic real;
  if (!real) real = (find *)dlsym(RTLD_NEXT, "_dl_find_object");
  int one = 1;
  if (ours && atomic_compare_exchange_strong(&trap_wanted, &one, 0)) {
    trap_entered = 1;
    while (!trap_forks) continue;
    /* its CPU time does not go on while it is stopped, and the fork is not over sooner */
    for (int64_t end = cpu_ns() + 3000000; cpu_ns() < end;) continue;
  }
  return real(pc, result);
}

/* fn(arg), with an external frame below. */
void plain_calls(void (*fn)(void *), void *arg);
void plain_calls(void (*fn)(void *), void *arg) {
  ours = 1;
  fn(arg);
  ours = 0;
}
