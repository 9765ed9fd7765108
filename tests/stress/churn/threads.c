/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/threads.c -- threads that the program starts, and thread-locals
 *
 * A thread made by pthread_create may allocate and keep objects in its stack
 * and its thread-locals, which are roots until it ends.  Goroutines migrate
 * between threads, so only such threads use thread-locals here.
 */
#include "churn.h"

#include <pthread.h>

struct item {
  struct item *next;
  uint64_t value, check;
};

enum { THREADS = 6, LENGTH = 50 };

static _Thread_local struct item *own_list;
static _Thread_local struct {
  uint64_t n;
  struct item *items[8];
} own_struct;

static struct item *shared[THREADS]; /* for main to check */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct item *list_new(uint64_t value) {
  struct item *list = NULL;
  for (uint64_t i = 0; i < LENGTH; i++) {
    struct item *item = mw_new(struct item);
    *item = (struct item){list, value + i, ~(value + i)};
    list = item;
  }
  return list;
}

static void check(const struct item *list, uint64_t value) {
  for (uint64_t i = LENGTH; i-- > 0; list = list->next)
    CHECK(list->value == value + i && list->check == ~(value + i));
  CHECK(!list);
}

static void *thread_main(void *arg) {
  uint64_t me = (uint64_t)(uintptr_t)arg, random = churn_seed + me;
  struct item *on_stack = list_new(me);
  for (int i = 0; i < 30; i++) {
    uint64_t value = churn_next(&random) >> 20;
    own_list = list_new(value);
    own_struct.n = value;
    for (int k = 0; k < 8; k++) own_struct.items[k] = list_new(value + (uint64_t)k);
    for (int k = 0; k < 100; k++) mw_new(struct item)->value = 7;
    usleep(200);
    check(own_list, value);
    for (int k = 0; k < 8; k++) check(own_struct.items[k], own_struct.n + (uint64_t)k);
    check(on_stack, me);
    pthread_mutex_lock(&lock);
    if (shared[me]) check(shared[me], me);
    shared[me] = list_new(me);
    pthread_mutex_unlock(&lock);
  }
  return on_stack;
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 12);
  while (churn_round()) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
      CHECK(pthread_create(&threads[i], NULL, thread_main, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    churn_settle();
    churn_reuse(sizeof(struct item), 200);
    for (uint64_t i = 0; i < THREADS; i++) check(shared[i], i);
  }
  return churn_end();
}
