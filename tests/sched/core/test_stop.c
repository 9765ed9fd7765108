/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_stop.c -- stops beside threads on their way into system calls [P6]
 *
 * Entering SYS is no barrier.  So the stopper may look before it can see the state, and the
 * thread before it can see the request: here one does just that, each time, and nobody else
 * wakes the stopper.  And threads go in and out while the world is stopped again and again; what
 * they published is read as a scanner reads it.  A stop that never comes shows as the time limit.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "sched/proc.h"

enum { SILENT_STOPS = 60, STOPS = 400, THREADS = 3 };

static _Atomic int turn; /* odd: the thread waits for a request */
static _Atomic bool over;
static struct mwi_m *_Atomic them[THREADS];

/* Never says that it has entered. */
static void *silent(void *unused) {
  mwi_attach();
  struct mwi_m *m = mwi_self();
  for (int i = 0; i < SILENT_STOPS; i++) {
    mwi_rt_enter();
    turn++;
    while (!mwi_load_seqcst(&m->stop_req)) mwi_pause();
    usleep(200); /* the stopper has begun to wait */
    m->stop_sp = m->stop_fp = (uintptr_t)__builtin_frame_address(0);
    m->in_external = false;
    m->ctx_lo = m->ctx_hi = 0;
    mwi_store_release(&m->state, MWI_M_SYS);
    while (turn % 2) usleep(20); /* until it has been held */
    mwi_leave_sys(m);
    mwi_rt_leave();
    mwi_poll();
  }
  return unused;
}

static void a_stopper_looks_again_by_itself(void **state) {
  (void)state;
  pthread_t t;
  mwi_attach();
  assert_int_equal(pthread_create(&t, NULL, silent, NULL), 0);
  for (int i = 0; i < SILENT_STOPS; i++) {
    while (turn % 2 == 0) usleep(20);
    mwi_stop_world();
    turn++;
    mwi_start_world();
  }
  pthread_join(t, NULL);
}

static void *in_and_out(void *arg) {
  mwi_attach();
  *(struct mwi_m * _Atomic *)arg = mwi_self();
  while (!over) {
    mwi_attempt_enter();
    mwi_attempt_exit();
    mwi_poll();
  }
  return NULL;
}

static void what_is_published_is_seen(void **state) {
  (void)state;
  pthread_t t[THREADS];
  mwi_attach();
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&t[i], NULL, in_and_out, &them[i]), 0);
    while (!them[i]) usleep(20);
  }
  for (int i = 0; i < STOPS; i++) {
    mwi_stop_world();
    for (int k = 0; k < THREADS; k++) {
      const struct mwi_m *m = them[k];
      uint32_t s = mwi_load_relaxed(&m->state);
      assert_true(s == MWI_M_HELD || s == MWI_M_STOPPED);
      assert_true(m->stop_sp < m->stack_hi && m->stack_hi - m->stop_sp < 64 * MWI_KB);
      assert_true(m->in_external || m->stop_fp >= m->stop_sp);
    }
    mwi_start_world();
  }
  over = true;
  for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stopper_looks_again_by_itself),
      cmocka_unit_test(what_is_published_is_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
