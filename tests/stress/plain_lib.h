/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/plain_lib.h -- a library that mallow has not compiled
 *
 * Calls that take long, or block their thread, in code without polls: what a
 * stop must not wait for.
 */
#ifndef STRESS_PLAIN_LIB_H
#define STRESS_PLAIN_LIB_H

#include <stddef.h>

/* Sort n words; the order is by value, the comparison is in this library. */
void plain_sort(unsigned long *words, size_t n);
/* Call pause() until plain_wake.  Signals that come before are ignored. */
void plain_wait(void);
/* Is a thread inside plain_wait? */
int plain_waiting(void);
void plain_wake(void);
/* Count to n without a call or a system call. */
unsigned long plain_spin(unsigned long n);
/* fn(arg), called from here. */
void plain_call(void (*fn)(void *), void *arg);

#endif
