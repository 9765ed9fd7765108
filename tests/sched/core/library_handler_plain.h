/* SPDX-License-Identifier: MIT */
/* tests/sched/core/library_handler_plain.h -- a library with a handler, compiled without the plugin
 */
#ifndef LIBRARY_HANDLER_PLAIN_H
#define LIBRARY_HANDLER_PLAIN_H

#include <pthread.h>
#include <stdint.h>

extern _Atomic long library_collections; /* the program counts them */

/* By what the handler has interrupted: how often it ran, and the most collections meanwhile. */
enum { LIBRARY_OVER_COMPILED, LIBRARY_OVER_EXTERNAL, LIBRARY_OVERS };
extern _Atomic long library_handlers[LIBRARY_OVERS];
extern _Atomic long library_most[LIBRARY_OVERS];

/* Have signals sent to `to`, whose handler takes its time.  compiled: a function of the program's,
 * the first 4 KB of whose code count as OVER_COMPILED, and library_works as OVER_EXTERNAL: there a
 * handler waits until there have been two. */
void library_begin(uintptr_t compiled, pthread_t to);
void library_end(void);
void library_works(int ms);

#endif
