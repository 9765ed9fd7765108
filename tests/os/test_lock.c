/* SPDX-License-Identifier: MIT */
/*
 * tests/os/test_lock.c -- the runtime's mutex, its ranks, the futex below it
 *
 * Contention under ThreadSanitizer is the proof that the lock orders memory.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fake/fake_fatal.h"
#include "os/lock.h"
#include "os/os.h"
#include "os/thread.h"

enum { THREADS = 6, EACH = 30000 };
static struct mwi_lock lock = MWI_LOCK_INIT(MWI_RANK_SCHED);
static long counter, twin; /* plain: the lock makes them safe */

static void *count(void *arg) {
  (void)arg;
  mwi_test_thread_init();
  for (int i = 0; i < EACH; i++) {
    if (i % 7 == 0) {
      while (!mwi_trylock(&lock)) mwi_pause();
    } else {
      mwi_lock(&lock);
    }
    counter++;
    if (i % 1000 == 0) { /* make waiters sleep */
      struct timespec ts = {0, 100000};
      nanosleep(&ts, NULL);
    }
    twin++;
    mwi_unlock(&lock);
  }
  return NULL;
}

static void contention(void **state) {
  (void)state;
  pthread_t t[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(mwi_real_pthread_create(&t[i], NULL, count, NULL), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  assert_int_equal(counter, THREADS * EACH);
  assert_int_equal(twin, THREADS * EACH);
  assert_false(mwi_lock_held(&lock));
}

/* A lock holder is not stopped [T1]. */
static void holding_counts(void **state) {
  (void)state;
  int32_t before = mwi_tcb()->rt;
  mwi_lock(&lock);
  assert_int_equal(mwi_tcb()->rt, before + 1);
  assert_false(mwi_trylock(&lock));
  assert_int_equal(mwi_tcb()->rt, before + 1);
  mwi_unlock(&lock);
  assert_int_equal(mwi_tcb()->rt, before);
}

static void ranks(void **state) {
  (void)state;
  static struct mwi_lock gc = MWI_LOCK_INIT(MWI_RANK_GC), heap = MWI_LOCK_INIT(MWI_RANK_MHEAP),
                         heap2 = MWI_LOCK_INIT(MWI_RANK_MHEAP), a = MWI_LOCK_INIT(MWI_RANK_CHAN),
                         b = MWI_LOCK_INIT(MWI_RANK_CHAN);
  mwi_lock(&gc);
  mwi_lock(&heap);
  mwi_unlock(&gc); /* in any order */
  mwi_unlock(&heap);
  mwi_lock(&a);
  mwi_lock(&b); /* select takes several channels */
  mwi_unlock(&a);
  mwi_unlock(&b);
  mwi_lock(&heap);
  EXPECT_FATAL("lock rank", mwi_lock(&gc));
  EXPECT_FATAL("lock rank", mwi_lock(&heap2));
  EXPECT_FATAL("lock rank", mwi_lock(&heap));
  mwi_unlock(&heap);
  mwi_tcb()->rt = 0; /* the fatal ones left theirs */
}

static _Atomic uint32_t word;
static void *waker(void *arg) {
  (void)arg;
  mwi_test_thread_init();
  struct timespec ts = {0, 20000000};
  nanosleep(&ts, NULL);
  mwi_store_release(&word, 1);
  mwi_futex_wake(&word, 1);
  return NULL;
}

static void futex(void **state) {
  (void)state;
  assert_true(mwi_futex_wait(&word, 7, -1)); /* another value: returns at once */
  int64_t before = mwi_os_monotonic();
  assert_false(mwi_futex_wait(&word, 0, 20000000));
  assert_true(mwi_os_monotonic() - before >= 19000000);
  pthread_t t;
  assert_int_equal(mwi_real_pthread_create(&t, NULL, waker, NULL), 0);
  while (!mwi_load_acquire(&word)) mwi_futex_wait(&word, 0, -1);
  pthread_join(t, NULL);
}

int main(void) {
  mwi_test_thread_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contention),
      cmocka_unit_test(holding_counts),
      cmocka_unit_test(ranks),
      cmocka_unit_test(futex),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
