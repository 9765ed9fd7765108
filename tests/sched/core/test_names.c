/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_names.c -- names of threads and timers that come again at once [KP1]
 *
 * As soon as pthread_join, pthread_detach or timer_delete has done its work, a new thread or timer
 * may have the name.  Here it does, before the call returns: what that one has given is kept.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <mallow.h>

#include "gc/alloc.h"
#include "gc/gc.h"
#include "os/os.h"
#include "os/thread.h"
#include "sched/kept.h"
#include "sched/proc.h"

int mwi_rt_pthread_join(pthread_t t, void **result);
int mwi_rt_pthread_detach(pthread_t t);
int mwi_rt_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer);
int mwi_rt_timer_delete(timer_t timer);

int __real_pthread_join(pthread_t t, void **result);
int __real_pthread_detach(pthread_t t);
int __real_timer_delete(timer_t timer);
int __wrap_pthread_join(pthread_t t, void **result);
int __wrap_pthread_detach(pthread_t t);
int __wrap_timer_delete(timer_t timer);

/* ---- Objects ------------------------------------------------------------------- */

enum { FIRST, SECOND, OBJECTS };
static mw_weak weak[OBJECTS];
static uintptr_t hidden[OBJECTS]; /* ~ of the pointers */

static __attribute__((noinline)) void make(void) {
  for (int i = 0; i < OBJECTS; i++) {
    void *p = mwi_gc_alloc(32, NULL);
    (void)mwi_gc_alloc(32, NULL); /* a pointer to an object keeps what ends there, too */
    weak[i] = mw_weak_make(p);
    hidden[i] = ~(uintptr_t)p;
  }
}

/* Arrays are elsewhere under AddressSanitizer. */
static __attribute__((noinline, no_sanitize("address"))) void wipe(void) {
  char old[16384];
  memset(old, 0, sizeof old);
  mw_keep_alive(old);
}

static bool is_there(int i) {
  wipe();
  mw_gc();
  return mw_weak_get(weak[i]) != NULL;
}

static int setup(void **state) {
  (void)state;
  mwi_attach();
  mw_root_add(&weak, sizeof weak);
  make();
  return 0;
}
static int teardown(void **state) {
  (void)state;
  mw_root_remove(&weak);
  return 0;
}

/* ---- Threads ------------------------------------------------------------------- */

static int gives;
static _Atomic int32_t tid;
static __attribute__((noinline)) void *thread(void *unused) {
  (void)unused;
  mwi_store_release(&tid, mwi_os_tid());
  return (void *)~hidden[gives];
}

/* A thread that has given that, and is gone from the kernel: libc uses no stack again before. */
static pthread_t ended_thread(int object) {
  pthread_t t;
  gives = object;
  mwi_store_relaxed(&tid, 0);
  assert_int_equal(pthread_create(&t, NULL, thread, NULL), 0);
  while (!mwi_load_acquire(&tid)) mwi_os_yield();
  while (tgkill(getpid(), mwi_load_acquire(&tid), 0) == 0) mwi_os_yield();
  return t;
}

static int next = -1;    /* what the next of the name gives, or -1: there is none */
static pthread_t second; /* that one */
static void name_again(void) {
  if (next < 0) return;
  second = ended_thread(next); /* libc has the stack of the last at hand */
  next = -1;
}
int __wrap_pthread_join(pthread_t t, void **result) {
  int error = __real_pthread_join(t, result);
  name_again();
  return error;
}
int __wrap_pthread_detach(pthread_t t) {
  int error = __real_pthread_detach(t);
  name_again();
  return error;
}

static __attribute__((noinline)) void join(pthread_t t, int object) {
  void *result;
  assert_int_equal(mwi_rt_pthread_join(t, &result), 0);
  assert_true(result == (void *)~hidden[object]);
}

/* A thread that gives FIRST, and is let go while the next one, `second`, gives `object`.  They have
 * one name, unless a thread of the runtime's came just then and has the stack, for good: once
 * more. */
static pthread_t let_go(void (*fn)(pthread_t), int object) {
  for (;;) {
    pthread_t t = ended_thread(FIRST);
    next = object;
    fn(t);
    if (pthread_equal(t, second)) return t;
    assert_int_equal(mwi_rt_pthread_join(second, NULL), 0);
  }
}
static void join_first(pthread_t t) {
  join(t, FIRST);
}
static void join_for_nothing(pthread_t t) {
  assert_int_equal(mwi_rt_pthread_join(t, NULL), 0);
}
static void detach(pthread_t t) {
  assert_int_equal(mwi_rt_pthread_detach(t), 0);
}

static void joined(void **state) {
  (void)state;
  pthread_t t = let_go(join_first, SECOND);
  assert_false(is_there(FIRST));
  assert_true(is_there(SECOND));
  join(t, SECOND);
  assert_false(is_there(SECOND));
}

static void joined_with_the_same(void **state) {
  (void)state;
  pthread_t t = let_go(join_for_nothing, FIRST);
  assert_true(is_there(FIRST));
  join_for_nothing(t);
  assert_false(is_there(FIRST));
}

static void detached(void **state) {
  (void)state;
  pthread_t t = let_go(detach, SECOND);
  assert_false(is_there(FIRST));
  assert_true(is_there(SECOND));
  detach(t);
  assert_false(is_there(SECOND));
}

/* ---- Timers -------------------------------------------------------------------- */

static bool fails;
int __wrap_timer_delete(timer_t timer) {
  if (fails) return -1;
  int r = __real_timer_delete(timer);
  if (next >= 0) mwi_keep(MWI_KEPT_TIMER, (uintptr_t)timer, (void *)~hidden[next]);
  next = -1;
  return r;
}

static __attribute__((noinline)) timer_t timer(int object) {
  struct sigevent e = {.sigev_notify = SIGEV_NONE,
                       .sigev_value.sival_ptr = (void *)~hidden[object]};
  timer_t t;
  assert_int_equal(mwi_rt_timer_create(CLOCK_MONOTONIC, &e, &t), 0);
  return t;
}

static void deleted(void **state) {
  (void)state;
  timer_t t = timer(FIRST);
  next = SECOND;
  assert_int_equal(mwi_rt_timer_delete(t), 0);
  assert_false(is_there(FIRST));
  assert_true(is_there(SECOND));
  (void)mwi_rt_timer_delete(t); /* libc knows of no second one */
}

static void not_deleted(void **state) {
  (void)state;
  timer_t t = timer(FIRST);
  fails = true;
  assert_int_equal(mwi_rt_timer_delete(t), -1);
  fails = false;
  assert_true(is_there(FIRST));
  assert_int_equal(mwi_rt_timer_delete(t), 0);
  assert_false(is_there(FIRST));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(joined, setup, teardown),
      cmocka_unit_test_setup_teardown(joined_with_the_same, setup, teardown),
      cmocka_unit_test_setup_teardown(detached, setup, teardown),
      cmocka_unit_test_setup_teardown(deleted, setup, teardown),
      cmocka_unit_test_setup_teardown(not_deleted, setup, teardown),
  };
  return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
