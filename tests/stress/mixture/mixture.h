/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/mixture/mixture.h -- what the parts of the mixture share
 *
 * A part is a function that does one small thing completely and checks it: a
 * round.  Some goroutines call it over and over, beside those of all other
 * parts.  A round ends by itself soon, whatever the others do.
 */
#ifndef TESTS_MIXTURE_H
#define TESTS_MIXTURE_H

#include "../../sched/check.h"
#include "../../sched/stacks/cell.h"

typedef struct part {
  const char *name;
  void (*round)(rng *r);
  int workers;
} part;

/* sync.c, io.c, process.c, memory.c; the last one has no name */
extern const part sync_parts[], io_parts[], process_parts[], memory_parts[];

bool mixture_over(void); /* long rounds end early */

/* Objects that know what they are: a list whose nodes are numbered from `id` on. */
typedef struct node {
  struct node *next;
  uint64_t id, check;
} node;
node *make_nodes(uint64_t id, unsigned n);
void check_nodes(const node *list, uint64_t id, unsigned n);

/* fn(arg) on a goroutine of its own; *wg is done when it has returned. */
void spawn(mw_waitgroup *wg, void (*fn)(void *), void *arg);

/* external.c, like ../../sched/stacks/plain.c compiled without the plugin */
void plain_sort(void *base, size_t n, size_t size, int (*less)(const void *, const void *));
void plain_spin(unsigned us);
void *plain_thread(void *unused); /* for pthread_create: malloc and free, no runtime */
int plain_callback(int (*fn)(void *), void *arg);

#endif
