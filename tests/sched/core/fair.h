/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fair.h -- the half of fair.c that mallow does not compile: it has no polls */
#ifndef TESTS_SCHED_CORE_FAIR_H
#define TESTS_SCHED_CORE_FAIR_H

#include <mallow.h>

/* Receive from one, send to the other, until *stop. */
void plain_echo(mw_chan *from, mw_chan *to, _Atomic int *stop);
/* A library's function, as far as anybody can tell. */
void plain_takes(void *object);

#endif
