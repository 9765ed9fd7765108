/* SPDX-License-Identifier: MIT */
/* tests/sched/core/plain.c -- see plain.h */
#define _GNU_SOURCE 1
#include "plain.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void plain_spin_ms(int ms) {
  int64_t end = now_ns() + (int64_t)ms * 1000000;
  while (now_ns() < end) continue;
}

void plain_block_ms(int ms) {
  int64_t end = now_ns() + (int64_t)ms * 1000000;
  struct timespec ts = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0) continue;
}

void plain_spin_until(_Atomic int *n, int want) {
  while (*n < want) continue;
}

void plain_block_until(_Atomic int *n, int want) {
  do plain_block_ms(100);
  while (*n < want);
}

void plain_destructor(void *p) {
  struct plain_gate *gate = p;
  gate->there = 1;
  plain_block_until(&gate->go, 1);
}

void *plain_thread(void *until) {
  while (!*(_Atomic int *)until) plain_block_ms(2);
  return NULL;
}

static void *nothing(void *p) {
  return p;
}

/* More threads use malloc than it has arenas, or not: they meet now and then. */
void plain_libc_locks(void) {
  void *block[200];
  for (int i = 0; i < 200; i++) block[i] = malloc((size_t)(i % 50) * 100 + 2000);
  for (int i = 0; i < 200; i++) free(block[i]);
  void *m = dlopen("libm.so.6", RTLD_NOW);
  if (m) dlclose(m);
  m = dlopen("libutil.so.1", RTLD_NOW);
  if (m) dlclose(m);
  pthread_t t;
  if (pthread_create(&t, NULL, nothing, NULL) == 0) pthread_join(t, NULL);
}

/* ---- Waits without a timeout --------------------------------------------- */

_Atomic int plain_tid;
static _Atomic int woken;

static void count(int sig) {
  (void)sig;
  woken++;
}

/* As libc's functions have it, whatever its version. */
static long call(long number, long a, long b, long c, long d, long e) {
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = 0; /* pselect6: no signal mask */
  long r;
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    __asm__ volatile("movl %1, %%eax\n\tsyscall"                                                   \
                     : "=a"(r)                                                                     \
                     : "i"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)                  \
                     : "rcx", "r11", "memory");                                                    \
    break
  switch (number) {
    CASE(SYS_pause);
    CASE(SYS_poll);
    CASE(SYS_epoll_wait);
    CASE(SYS_pselect6);
    CASE(SYS_rt_sigsuspend);
  default:
    abort();
  }
  return r;
}

int plain_wait(enum plain_wait w, int64_t *slept_ns) {
  struct sigaction sa = {.sa_handler = count};
  sigaction(SIGUSR1, &sa, NULL);
  sigset_t usr1, old;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  if (w == PLAIN_SUSPEND) pthread_sigmask(SIG_BLOCK, &usr1, &old);
  int epoll = epoll_create1(0);
  struct epoll_event event;
  woken = 0;
  int64_t start = now_ns();
  plain_tid = (int)syscall(SYS_gettid);
  int times = 0;
  do {
    switch (w) {
    case PLAIN_PAUSE:
      call(SYS_pause, 0, 0, 0, 0, 0);
      break;
    case PLAIN_POLL:
      call(SYS_poll, 0, 0, -1, 0, 0);
      break;
    case PLAIN_EPOLL:
      call(SYS_epoll_wait, epoll, (long)&event, 1, -1, 0);
      break;
    case PLAIN_SELECT:
      call(SYS_pselect6, 0, 0, 0, 0, 0);
      break;
    default: {
      unsigned long none = 0;
      call(SYS_rt_sigsuspend, (long)&none, sizeof none, 0, 0, 0);
    }
    }
    times++;
  } while (!woken);
  *slept_ns = now_ns() - start;
  plain_tid = 0;
  close(epoll);
  if (w == PLAIN_SUSPEND) pthread_sigmask(SIG_SETMASK, &old, NULL);
  return times;
}

void plain_wake(void) {
  int tid = plain_tid;
  if (tid) syscall(SYS_tgkill, getpid(), tid, SIGUSR1);
}

int plain_sleep_ms(int ms) {
  struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
  return nanosleep(&ts, &ts);
}

/* ---- Calls back ------------------------------------------------------------ */

void plain_call(void (*fn)(void *), void *arg) {
  volatile int frame = 1; /* no tail call: this frame stays below fn's */
  fn(arg);
  (void)frame;
}
