/* SPDX-License-Identifier: MIT */
/*
 * tests/special/pool_thread.c -- pools in thread-locals of threads that end [Q3]
 *
 * Their stacks, where libc keeps thread-locals, are too large for it to keep.  Collections
 * come while they run and when they are gone.
 */
#include <mallow.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #x);                              \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

enum { ITEMS = 20, ROUNDS = 20 };
static _Thread_local mw_pool pool;

static void *uses(void *round) {
  for (long i = 0; i < ITEMS; i++) {
    long *p = mw_new(long);
    *p = i;
    mw_pool_put(&pool, p);
  }
  if ((long)round % 3 == 1) mw_gc(); /* it is a victim then */
  if ((long)round % 3 == 2) {
    mw_gc();
    mw_gc(); /* it has left the list, and comes back */
    mw_pool_put(&pool, mw_new(long));
    return NULL;
  }
  bool seen[ITEMS] = {0};
  for (long *p; (p = mw_pool_get(&pool)) != NULL;) { /* fewer, when others collect */
    CHECK(*p >= 0 && *p < ITEMS && !seen[*p]);
    seen[*p] = true;
  }
  for (int i = 0; i < ITEMS; i++) mw_pool_put(&pool, mw_new(long));
  return NULL;
}

int main(void) {
  pthread_attr_t large;
  CHECK(pthread_attr_init(&large) == 0);
  CHECK(pthread_attr_setstacksize(&large, (size_t)100 << 20) == 0);
  for (long round = 0; round < ROUNDS; round++) {
    pthread_t t[3];
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&t[i], &large, uses, (void *)round) == 0);
    for (int i = 0; i < 3; i++) {
      CHECK(pthread_join(t[i], NULL) == 0);
      mw_gc();
    }
  }
  puts("ok");
}
