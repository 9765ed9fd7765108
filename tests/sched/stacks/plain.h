/* SPDX-License-Identifier: MIT */
/* tests/sched/stacks/plain.h -- external code: plain.c is compiled without the plugin */
#ifndef STACKS_PLAIN_H
#define STACKS_PLAIN_H

#include <stdint.h>

/* The address of the first two words from `sp` on that hold `magic` and ~magic. */
uintptr_t plain_find(uintptr_t sp, uint64_t magic);
/* Add 1 to the word at `addr`, n times, atomically.  Returns n. */
uint64_t plain_add(uintptr_t addr, uint64_t n);
int plain_call(int (*f)(void));
long plain_frame(long (*f)(void *, long), void *s, long n); /* in 27 KB of stack, not probed */
long plain_write(int fd, const void *buf, unsigned long n); /* libc's own */
void plain_handle(int sig, void (*fn)(int));                /* libc's own signal() */

#endif
