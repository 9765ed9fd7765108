/* SPDX-License-Identifier: MIT */
/* tests/sched/core/unstopped_plain.h -- external code of unstopped.c, compiled without the plugin
 */
#ifndef UNSTOPPED_PLAIN_H
#define UNSTOPPED_PLAIN_H

#include <stdbool.h>

/* Stops of the world, numbered: the last that somebody is about to ask for, and that has been. */
extern _Atomic long stops_begun, stops_ended;
extern _Atomic bool plain_stopped; /* one has begun and ended while there should be none */

/* The next call of errno's function on the thread that has called plain_watch lasts for a while,
 * and looks. */
extern _Atomic bool plain_armed;
void plain_watch(void);

/* sig's handler, for an illegal instruction, goes on behind it, one instruction at a time until it
 * is there: on its way back through the kernel each lasts for a while.  plain_steps: so
 * many were there, of the restorer's two; plain_seen: stops_begun at the last. */
void plain_step_from(int sig);
extern _Atomic long plain_seen;
extern _Atomic int plain_steps;

#endif
