/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fork_sweep_plain.c -- see fork_sweep.c; compiled by clang alone */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* The next look-up stays until trap_forks is set, and a little longer.  Not for ever: a thread
 * looks up its stack also where it has a new thread made, and may keep the one who is to fork from
 * it. */
_Atomic int trap_wanted;
_Atomic int trap_entered, trap_forks, trap_times; /* as often it was so */
static _Thread_local int ours;                    /* the thread whose look-ups are meant */

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
  if (ours && !trap_forks && atomic_compare_exchange_strong(&trap_wanted, &one, 0)) {
    int64_t from = cpu_ns();
    trap_entered = 1;
    while (!trap_forks && cpu_ns() - from < 50000000) continue;
    if (!trap_forks) {
      trap_wanted = 1;
    } else {
      /* its CPU time does not go on while it is stopped, and the fork is not over sooner */
      for (int64_t end = cpu_ns() + 3000000; cpu_ns() < end;) continue;
      trap_times++;
    }
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
