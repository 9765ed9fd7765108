/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_stop.c -- stops beside threads on their way into system calls [P6] [P7]
 *
 * Entering SYS is no barrier.  So the stopper may look before it can see the state, and the
 * thread before it can see the request: here one does just that, each time, and nobody else
 * wakes the stopper.  And threads go in and out while the world is stopped again and again; what
 * they published is read as a scanner reads it.  A stop that never comes shows as the time limit.
 * Who sends the stop signal may be late as well: it has seen its thread run, or wait in one call,
 * and the thread sleeps in the next when the signal goes out.  Here it always does [P7].
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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

/* ---- Late signals [P7] -------------------------------------------------- */

/* A thread that is to receive all, of which a part is there: a signal in the middle would end that
 * with the part. */
static struct late {
  int fd[2], before[2]; /* two pairs of sockets */
  _Atomic int tid;
  struct mwi_m *m;
  _Atomic bool sends, receives; /* the signal is about to be sent; the thread is on its way */
  bool in_call;                 /* it is another call that it was meant for */
  ssize_t got;
} late;

ssize_t mwi_rt_recv(int fd, void *buf, size_t n, int flags);
void __real_mwi_os_signal_thread(int32_t tid, int sig);
void __wrap_mwi_os_signal_thread(int32_t tid, int sig);

static bool sleeps(int tid) {
  char path[64], line[256] = "";
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  const char *state = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
  fclose(f);
  return state && state[1] && state[2] == 'S';
}

void __wrap_mwi_os_signal_thread(int32_t tid, int sig) {
  if (tid == late.tid && !late.sends) {
    late.sends = true;
    if (late.in_call) assert_int_equal(write(late.before[1], "!", 1), 1);
    while (!late.receives || !sleeps(tid)) usleep(20);
  }
  __real_mwi_os_signal_thread(tid, sig);
}

static void *receives_all(void *unused) {
  char b[10];
  mwi_attach();
  late.m = mwi_self();
  mwi_rt_enter(); /* it is not stopped before it waits */
  late.tid = late.m->tid;
  while (!late.in_call && !late.sends) mwi_pause();
  mwi_rt_leave();
  if (late.in_call) assert_int_equal(mwi_rt_recv(late.before[0], b, 1, 0), 1);
  late.receives = true;
  late.got = mwi_rt_recv(late.fd[0], b, sizeof b, MSG_WAITALL);
  return unused;
}

static void begin_late(pthread_t *t, bool in_call) {
  late = (struct late){.in_call = in_call};
  mwi_attach();
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, late.fd), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, late.before), 0);
  assert_int_equal(write(late.fd[1], "01234", 5), 5);
  assert_int_equal(pthread_create(t, NULL, receives_all, NULL), 0);
  while (!late.tid) usleep(20);
}

static void end_late(pthread_t t) {
  assert_true(late.sends);
  assert_int_equal(write(late.fd[1], "56789", 5), 5);
  pthread_join(t, NULL);
  assert_int_equal(late.got, 10);
  for (int i = 0; i < 2; i++) close(late.fd[i]), close(late.before[i]);
}

static void no_stop_meets_a_wait(void **state) {
  (void)state;
  pthread_t t;
  begin_late(&t, false);
  mwi_stop_world();
  mwi_start_world();
  end_late(t);
}

static void no_signal_meets_the_next_call(void **state) {
  (void)state;
  pthread_t t;
  begin_late(&t, true);
  while (!(mwi_load_seqcst(&late.m->calls) & MWI_CALL_CUT) || !sleeps(late.tid)) usleep(20);
  mwi_stop_signal(late.m, mwi_load_seqcst(&late.m->calls));
  end_late(t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stopper_looks_again_by_itself),
      cmocka_unit_test(what_is_published_is_seen),
      cmocka_unit_test(no_stop_meets_a_wait),
      cmocka_unit_test(no_signal_meets_the_next_call),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
