/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_keeper.c -- who gives a processor away leaves a keeper [KW1]
 *
 * Threads of the test's own are attached, so each is a goroutine bound to its thread: one of the
 * runtime's finds it runnable, gives it the processor and goes to sleep, and it gives the
 * processor away when it waits.  sysmon would notice what they forget within a millisecond, so
 * it sleeps (deep), and is not told when a processor is taken.  Without a keeper the test stands
 * still.
 *
 * GOMAXPROCS=2: the one who is woken computes until the other has been.  1: it waits again, and
 * then the other is to be woken.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <mallow.h>

#include "os/os.h"
#include "sched/libc.h"
#include "sched/netpoll.h"
#include "sched/run.h"

enum { ROUNDS = 20 };

/* In the place of sysmon.c's. */
void __wrap_mwi_sysmon_stir(void);
void __wrap_mwi_sysmon_stir(void) {}
void __wrap_mwi_sysmon_stir_timed(void);
void __wrap_mwi_sysmon_stir_timed(void) {}

static bool at_rest(void) {
  return mwi_load_seqcst(&mwi_sched.sysmon_deep) &&
         mwi_load_seqcst(&mwi_sched.nidle_p) == (uint32_t)mwi_sched.nprocs;
}

static void wait_for_rest(void) {
  while (!at_rest()) sched_yield();
}

static _Atomic int nfirst, nsecond; /* how often each has been woken */

static void run_both(void *(*first)(void *), void *(*second)(void *), void (*round)(int)) {
  pthread_t a, b;
  nfirst = nsecond = 0;
  pthread_create(&a, NULL, first, NULL);
  pthread_create(&b, NULL, second, NULL);
  for (int i = 1; round && i <= ROUNDS; i++) round(i);
  pthread_join(a, NULL);
  pthread_join(b, NULL);
}

/* ---- Edges ------------------------------------------------------------------- */

static int first[2], second[2]; /* sockets: their readers, their writers */

/* A byte, as libc_io.c reads it. */
static void take(int fd) {
  struct mwi_io_op op;
  mwi_attach();
  assert_true(mwi_io_begin(&op, fd, MWI_IO_READ));
  for (;;) {
    char c;
    long r = -EAGAIN;
    if (mwi_io_try(&op)) r = mwi_attempt6(SYS_recvfrom, fd, (long)&c, 1, MSG_DONTWAIT, 0, 0);
    if (r == -EAGAIN && (r = mwi_io_block(&op)) == 0) continue;
    mwi_io_done(&op, false);
    assert_int_equal(r, 1);
    return;
  }
}

static void give(int fd) {
  assert_int_equal(mwi_sys3(SYS_write, fd, "x", 1), 1);
}

static void *takes_first(void *unused) {
  (void)unused;
  for (int i = 1; i <= ROUNDS; i++) {
    take(first[0]);
    nfirst = i;
    if (mwi_sched.nprocs == 1) continue;
    give(second[1]);
    while (nsecond < i) mwi_pause();
  }
  return NULL;
}

static void *takes_second(void *unused) {
  (void)unused;
  for (int i = 1; i <= ROUNDS; i++) {
    take(second[0]);
    nsecond = i;
  }
  return NULL;
}

/* On the test's own thread, which is not attached: it has no processor. */
static void give_first(int i) {
  wait_for_rest();
  give(first[1]);
  while (nfirst < i) sched_yield();
  if (mwi_sched.nprocs == 1) {
    wait_for_rest();
    give(second[1]);
  }
  while (nsecond < i) sched_yield();
}

static void somebody_waits_for_edges(void **state) {
  (void)state;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
  run_both(takes_first, takes_second, give_first);
  for (int k = 0; k < 2; k++) {
    close(first[k]);
    close(second[k]);
  }
}

/* ---- Timers, while nobody waits for edges ------------------------------------- */

static mw_waitgroup turn[ROUNDS + 1]; /* the second's */

static void *sleeps_less(void *unused) {
  (void)unused;
  for (int i = 1; i <= ROUNDS; i++) {
    mwi_attach();
    mw_sleep(2000000);
    /* Until the other's has come.  Where both came at once it waits for this processor. */
    while (mwi_sched.nprocs > 1 && nsecond < i && mwi_timers_pending()) mwi_pause();
    mwi_attach();
    mw_waitgroup_wait(&turn[i]);
  }
  return NULL;
}

static void *sleeps_longer(void *unused) {
  (void)unused;
  for (int i = 1; i <= ROUNDS; i++) {
    mwi_attach();
    mw_sleep(5000000);
    nsecond = i;
    mw_waitgroup_done(&turn[i]);
  }
  return NULL;
}

static void somebody_waits_for_timers(void **state) {
  (void)state;
  for (int i = 1; i <= ROUNDS; i++) mw_waitgroup_add(&turn[i], 1);
  run_both(sleeps_less, sleeps_longer, NULL);
}

/* ---- Whoever looks for work has lost its processor ---------------------------- */

/*
 * A thread that spins sleeps for a moment before it takes what another is about to run.  While it
 * does nobody else is woken, for it will find whatever there is; but here sysmon takes its
 * processor meanwhile, as on a machine that has no CPU for it.
 */
enum { OPEN, ARMED, ENTERED };
static _Atomic int gate;

void __real_mwi_os_usleep(int64_t us);
void __wrap_mwi_os_usleep(int64_t us);
void __wrap_mwi_os_usleep(int64_t us) {
  struct mwi_m *m = mwi_self(); /* sysmon has none */
  int armed = ARMED;
  if (!m || !m->spinning || !atomic_compare_exchange_strong(&gate, &armed, ENTERED)) {
    __real_mwi_os_usleep(us);
    return;
  }
  while (gate == ENTERED && (mwi_sched.nprocs != 1 || !at_rest())) sched_yield();
}

static mw_waitgroup first_half, second_half;
static _Atomic bool halfway;

static void *wait_twice(void *unused) {
  (void)unused;
  mwi_attach();
  mw_waitgroup_wait(&first_half);
  halfway = true;
  mw_waitgroup_wait(&second_half);
  return NULL;
}

static void *wake_and_sleep(void *unused) {
  (void)unused;
  while (!(uint32_t)mwi_load_seqcst(&first_half.state)) sched_yield();
  wait_for_rest();
  for (int k = 0; k < mwi_sched.nprocs; k++) mwi_store_relaxed(&mwi_sched.procs[k]->wake_skip, 0);
  gate = ARMED;
  mwi_attach();
  mw_waitgroup_done(&first_half); /* who waits is in runnext, and a thread comes for it */
  /* Where sysmon, awake for something else, was faster, this is a round that tests nothing. */
  while (gate == ARMED && !halfway) mwi_pause();
  int armed = ARMED;
  atomic_compare_exchange_strong(&gate, &armed, OPEN);
  mw_set_max_procs(1);
  mw_sleep(1000000);
  gate = OPEN;
  mw_set_max_procs(2);
  mw_waitgroup_done(&second_half);
  return NULL;
}

static void who_looks_for_work_is_not_missed(void **state) {
  (void)state;
  if (mwi_sched.nprocs != 2) skip();
  for (int i = 0; i < ROUNDS; i++) {
    halfway = false;
    mw_waitgroup_add(&first_half, 1);
    mw_waitgroup_add(&second_half, 1);
    run_both(wait_twice, wake_and_sleep, NULL);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(somebody_waits_for_edges),
      cmocka_unit_test(somebody_waits_for_timers),
      cmocka_unit_test(who_looks_for_work_is_not_missed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
