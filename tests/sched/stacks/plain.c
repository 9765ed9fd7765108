/* SPDX-License-Identifier: MIT */
/* tests/sched/stacks/plain.c -- see plain.h */
#include "plain.h"

#include <signal.h>
#include <unistd.h>

uintptr_t plain_find(uintptr_t sp, uint64_t magic) {
  sp &= ~(uintptr_t)7;
  while (((uint64_t *)sp)[0] != magic || ((uint64_t *)sp)[1] != ~magic) sp += 8;
  return sp;
}

uint64_t plain_add(uintptr_t addr, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) __atomic_fetch_add((uint64_t *)addr, 1, __ATOMIC_RELAXED);
  return n;
}

long plain_frame(long (*f)(void *, long), void *s, long n) {
  volatile char frame[27 * 1024];
  frame[0] = 1; /* at its far end */
  return f(s, n) + frame[0];
}

int plain_call(int (*f)(void)) {
  return f() + 1;
}

void plain_handle(int sig, void (*fn)(int)) {
  signal(sig, fn);
}

long plain_write(int fd, const void *buf, unsigned long n) {
  return write(fd, buf, n);
}
