/* SPDX-License-Identifier: MIT */
/* tests/sched/core/plain.h -- external code: plain.c is compiled without the plugin */
#ifndef PLAIN_H
#define PLAIN_H

#include <stddef.h>
#include <stdint.h>

void plain_spin_ms(int ms);  /* compute */
void plain_block_ms(int ms); /* asleep in the kernel, though signals interrupt the calls */
void plain_spin_until(_Atomic int *n, int want);  /* compute, till *n has got there */
void plain_block_until(_Atomic int *n, int want); /* asleep, and looks now and then */
void plain_libc_locks(void);                      /* malloc, threads and modules come and go */
/* Waits for events without a timeout, by libc and by a `mov, syscall` of its own; ended by
 * the thread's SIGUSR1, whose handler counts.  They return how often they came back. */
enum plain_wait { PLAIN_PAUSE, PLAIN_POLL, PLAIN_EPOLL, PLAIN_SELECT, PLAIN_SUSPEND, PLAIN_NWAITS };
int plain_wait(enum plain_wait w, int64_t *slept_ns);
int plain_sleep_ms(int ms);   /* nanosleep's result: 0, or -1 when it was interrupted */
extern _Atomic int plain_tid; /* of the thread that is about to wait, 0 before */
void plain_wake(void);

/* A thread's function: waits until *(_Atomic int *)until is 1. */
void *plain_thread(void *until);

/* A destructor of thread-specific values: tells that it is there, and waits until it may go. */
struct plain_gate {
  _Atomic int there, go;
};
void plain_destructor(void *gate);

/* fn(arg), from a frame of this file's. */
void plain_call(void (*fn)(void *), void *arg);

#endif
