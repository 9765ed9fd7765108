/* SPDX-License-Identifier: MIT */
/* tests/gc/library.c -- the library of library_comes_and_goes.c: globals, thread-locals, layouts */
#include <mallow.h>

typedef struct item {
  struct item *next;
  unsigned long a, b, check;
} item;

static item *all;
static mw_pool pool; /* the runtime has a list of pools */
static _Thread_local mw_pool own_pool;
static struct {
  item *first, *other[300];
} given;                              /* to external code, which the collector looks at again */
static _Thread_local item *own[4096]; /* too large for the block that threads begin with */

void library_external(void *p); /* of the program's, not compiled by mallow */
__attribute__((visibility("default"))) void *library_use(void *previous);
void *library_use(void *previous) {
  for (int i = 0; i < 2000; i++) {
    item *n = mw_new(item);
    n->next = i % 100 ? all : previous;
    n->check = 4711;
    all = n;
    own[i] = n;
  }
  given.first = all;
  library_external(&given);
  mw_pool_put(&pool, mw_new(item));
  mw_pool_put(&pool, mw_new(item)); /* one is private, one is in the ring */
  mw_pool_put(&own_pool, mw_new(item));
  unsigned long bad = 0;
  for (int i = 0; i < 2000; i++) bad += own[i]->check != 4711;
  for (item *n = all; n; n = n->next) bad += n->check != 4711;
  void *keep = bad ? NULL : own[1999];
  return keep;
}
