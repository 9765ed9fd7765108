/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fork_malloc_plain.h -- external code of fork_malloc.c; its getnameinfo is
 * the one that libmallow calls, too */
#ifndef FORK_MALLOC_PLAIN_H
#define FORK_MALLOC_PLAIN_H

void plain_memory(void); /* malloc and free, for about a millisecond */
extern _Atomic long plain_calls;

#endif
