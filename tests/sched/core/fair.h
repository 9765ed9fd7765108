/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fair.h -- the half of fair.c that mallow does not compile: it has no polls */
#ifndef TESTS_SCHED_CORE_FAIR_H
#define TESTS_SCHED_CORE_FAIR_H

#include <mallow.h>
#include <time.h>

/* Receive from one, send to the other, until *stop. */
void plain_echo(mw_chan *from, mw_chan *to, _Atomic int *stop);
/* From here on a thread looks each millisecond, as sysmon does, whether it is 10 ms since `from` by
 * `clock`, and notes how long when it is.  from == 0: nothing is measured. */
void plain_looks(void);
extern _Atomic clockid_t plain_clock;
extern _Atomic int64_t plain_from, plain_noted;
/* A library's function, as far as anybody can tell. */
void plain_takes(void *object);

#endif
