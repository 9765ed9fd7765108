/* SPDX-License-Identifier: MIT */
/* tests/sched/core/unstopped_plain.c -- see unstopped_plain.h */
#define _GNU_SOURCE 1
#include "unstopped_plain.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

_Atomic long stops_begun, stops_ended, plain_seen;
_Atomic bool plain_stopped, plain_armed;
_Atomic int plain_steps;

static _Thread_local bool watched;

enum { LAST_NS = 3000000, NAP_NS = 100000 };

/* libc's, without errno. */
static void nap(void) {
  struct timespec t = {.tv_nsec = NAP_NS};
  long r = SYS_nanosleep;
  __asm__ volatile("syscall" : "+a"(r) : "D"(&t), "S"(0) : "rcx", "r11", "memory");
}

/* For a while, or until it has been stopped here. */
static void last(void) {
  long seen = stops_begun;
  for (int i = 0; i < LAST_NS / NAP_NS && stops_ended <= seen; i++) nap();
  if (stops_ended > seen) plain_stopped = true;
}

/* Everybody's, libmallow's too. */
int *__errno_location(void) {
  static int *(*_Atomic libc)(void);
  if (!libc) libc = (int *(*)(void))dlsym(RTLD_NEXT, "__errno_location");
  if (watched && plain_armed) {
    plain_armed = false;
    last();
  }
  return libc();
}

void plain_watch(void) {
  watched = true;
}

static void step(int sig, siginfo_t *info, void *uc) {
  static const uint8_t restorer[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
  (void)sig, (void)info;
  const uint8_t *pc = (const uint8_t *)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP];
  if (memcmp(pc, restorer, sizeof restorer) != 0 &&
      (plain_steps != 1 || memcmp(pc, restorer + 7, 2) != 0))
    return;
  if (plain_steps == 1 && stops_ended > plain_seen) plain_stopped = true; /* at the step before */
  plain_steps++;
  plain_seen = stops_begun;
  for (int i = 0; i < LAST_NS / NAP_NS; i++) nap(); /* the stop's signal waits for our end */
}

static void steps_over(int sig, siginfo_t *info, void *uc) {
  (void)sig, (void)info;
  ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP] += 2;
  __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" : : : "memory", "cc"); /* TF */
}

void plain_step_from(int sig) {
  struct sigaction over = {.sa_sigaction = steps_over, .sa_flags = SA_SIGINFO};
  struct sigaction one = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};
  sigaddset(&one.sa_mask, SIGURG);
  if (sigaction(sig, &over, NULL) != 0 || sigaction(SIGTRAP, &one, NULL) != 0) abort();
}
