/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/test_fold_threads.c -- who folds, unfolds, scans and lends at once [L1] [L4]
 *
 * Goroutines that are records with stacks, and threads in the parts of a scheduler
 * (resumes, writes, parks, folds), a collector (scans, on the stack or in the copy), a
 * system call (borrows a stack) and a fault.  Each sees all of a stack's words as the
 * last one that ran it left them.  Runs under TSan too.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/thread.h"
#include "sched/lend.h"
#include "sched/proc.h"
#include "sched/stack.h"

enum {
  GOROUTINES = 5,
  SCHEDULERS = 2,
  SCANNERS = 2,
  OPS = 1000,
  WORDS = 96,
  COUNTER = 8,
  FIRST = 16
};

enum { MORE = MWI_LENT + 2 }; /* than a call counts */
static struct mwi_g *g[MORE];
static _Atomic bool taken[GOROUTINES]; /* a scheduler runs it, or is about to */
static uint64_t runs[GOROUTINES];      /* whoever runs it */
static _Atomic int schedulers_left;

static uint64_t *words(const struct mwi_g *x) {
  return (uint64_t *)x->sp;
}
static uint64_t pattern(int i, int k) {
  return (uint64_t)i * 1000003 + (uint64_t)k * 0x9e3779b97f4a7c15u;
}

static void verify(const uint64_t *w, int i) {
  for (int k = FIRST; k < WORDS; k++)
    if (w[k] != pattern(i, k)) {
      fprintf(stderr, "goroutine %d, word %d: %llx\n", i, k, (unsigned long long)w[k]);
      abort();
    }
}

static uint64_t next_random(uint64_t *seed) {
  *seed ^= *seed << 13;
  *seed ^= *seed >> 7;
  *seed ^= *seed << 17;
  return *seed;
}

static bool reaches_us(void) {
  return true;
}

/* ---- The parts --------------------------------------------------------------- */

/* Each thread has a block of its own: scan bits are in use. */
static void become_thread(struct mwi_tcb *t) {
  *t = (struct mwi_tcb){.self = t};
  mwi_store_relaxed(&t->scan, 1);
  mwi_os_set_gs(t);
}

static void *scheduler(void *seed_of) {
  struct mwi_tcb t;
  become_thread(&t);
  uint64_t seed = (uintptr_t)seed_of * 77 + 1;
  for (int n = 0; n < OPS; n++) {
    int i = (int)(next_random(&seed) % GOROUTINES);
    if (mwi_xchg_acqrel(&taken[i], true)) continue;
    mwi_rt_enter();
    mwi_g_transition(g[i], MWI_G_WAITING, MWI_G_RUNNING);
    if (mwi_load_relaxed(&g[i]->rest)) mwi_stack_resume(g[i]);
    uint64_t *w = words(g[i]);
    verify(w, i);
    if (w[COUNTER] != runs[i]) abort();
    w[COUNTER] = ++runs[i];
    mwi_g_transition(g[i], MWI_G_RUNNING, MWI_G_WAITING);
    mwi_store_release(&taken[i], false); /* pairs with the exchange */
    mwi_fold_parked(g[i]);
    mwi_rt_leave();
  }
  mwi_sub_acqrel(&schedulers_left, 1);
  return NULL;
}

static void *scanner(void *seed_of) {
  struct mwi_tcb t;
  become_thread(&t);
  uint64_t seed = (uintptr_t)seed_of * 31 + 5;
  while (mwi_load_acquire(&schedulers_left)) {
    int i = (int)(next_random(&seed) % GOROUTINES);
    uint32_t waiting = MWI_G_WAITING;
    mwi_rt_enter();
    if (mwi_cas_acqrel(&g[i]->status, &waiting, MWI_G_WAITING | MWI_G_SCAN)) {
      struct mwi_stack_view v = mwi_stack_borrow(g[i]);
      if (v.hi - v.lo != WORDS * 8) abort();
      verify((const uint64_t *)v.lo, i);
      if (((const uint64_t *)v.lo)[COUNTER] != runs[i]) abort();
      mwi_stack_return(g[i]);
      mwi_stack_scanned(g[i]);
      mwi_store_release(&g[i]->status, MWI_G_WAITING);
    }
    mwi_rt_leave();
    mwi_os_usleep(20); /* the schedulers want a CPU too */
  }
  return NULL;
}

/* What it reads, no goroutine writes. */
static void *borrower(void *seed_of) {
  struct mwi_tcb t;
  become_thread(&t);
  uint64_t seed = (uintptr_t)seed_of * 13 + 3;
  while (mwi_load_acquire(&schedulers_left)) {
    int i = (int)(next_random(&seed) % GOROUTINES);
    struct mwi_lent lent;
    mwi_lend_objects(&lent, words(g[i]) + FIRST, NULL);
    if (lent.n != 1) abort();
    verify(words(g[i]), i);
    mwi_lend_back(&lent);
    mwi_os_usleep(20);
  }
  return NULL;
}

static void *faulter(void *seed_of) {
  struct mwi_tcb t;
  become_thread(&t);
  uint64_t seed = (uintptr_t)seed_of * 3 + 7;
  while (mwi_load_acquire(&schedulers_left)) {
    int i = (int)(next_random(&seed) % GOROUTINES);
    if (!mwi_stack_fault((uintptr_t)(words(g[i]) + FIRST))) abort();
    mwi_os_usleep(50);
  }
  return NULL;
}

/* ---- Step by step ------------------------------------------------------------ */

static void make_goroutines(int n) {
  mwi_faults_reach_us = reaches_us;
  mwi_fold_at_park = true;
  for (int i = 0; i < n; i++) {
    struct mwi_stack s;
    g[i] = mwi_meta_alloc(sizeof *g[i], 64);
    assert_true(mwi_stack_take(&s, i % 2 ? 100000 : 0));
    g[i]->stack = s;
    mwi_stack_own(&s, g[i]);
    g[i]->sp = s.hi - WORDS * 8; /* its first words, the switch's frame, are zero */
    for (int k = FIRST; k < WORDS; k++) words(g[i])[k] = pattern(i, k);
    mwi_store_release(&g[i]->status, MWI_G_WAITING);
  }
}

static bool folds(struct mwi_g *x) {
  mwi_rt_enter();
  mwi_fold_parked(x);
  mwi_rt_leave();
  return mwi_load_relaxed(&x->fold) != 0;
}

/* What is lent comes back, and stays until it is given back; with more stacks than a call can
 * count, all stay. */
static void lent_stays(void **state) {
  (void)state;
  struct mwi_tcb t;
  become_thread(&t);
  make_goroutines(MORE);
  for (int i = 0; i < MORE; i++) assert_true(folds(g[i]));
  struct mwi_lent lent;
  mwi_lend_objects(&lent, words(g[0]) + FIRST, NULL);
  assert_int_equal(mwi_load_relaxed(&g[0]->fold), 0);
  assert_false(folds(g[0]));
  mwi_lend_back(&lent);
  assert_true(folds(g[0]));
  const void *all[MORE];
  for (int i = 0; i < MORE; i++) all[i] = words(g[i]) + FIRST;
  mwi_lend_vectors(&lent, all, MORE, NULL, NULL);
  for (int i = 0; i < MORE; i++) assert_int_equal(mwi_load_relaxed(&g[i]->fold), 0);
  for (int i = 0; i < MORE; i++) assert_false(folds(g[i]));
  for (int i = 0; i < MORE; i++) verify(words(g[i]), i);
  mwi_lend_back(&lent);
  for (int i = 0; i < MORE; i++) {
    assert_true(folds(g[i]));
    mwi_stack_resume(g[i]);
    verify(words(g[i]), i);
    struct mwi_stack s = g[i]->stack;
    g[i]->stack.hi = 0;
    mwi_stack_put(&s);
  }
}

static void scan(struct mwi_g *x) {
  mwi_store_release(&x->status, MWI_G_WAITING | MWI_G_SCAN);
  mwi_stack_scanned(x);
}

/* What is being scanned when the walk comes by is due still, for the next one; and scan bits stay
 * in use until that. */
static void due_stays(void **state) {
  (void)state;
  struct mwi_tcb t;
  static struct mwi_p p;
  become_thread(&t);
  t.attached = true;
  t.p = &p;
  make_goroutines(1);
  mwi_fold_at_park = false;
  bool always = mwi_fold_needs_bits(); /* without markers */
  for (int n = 0; n < 2; n++) {
    mwi_stack_epoch_stw(true);
    scan(g[0]);
  }
  assert_true(mwi_fold_needs_bits());
  mwi_stacks_tidy();
  assert_int_equal(mwi_load_relaxed(&g[0]->fold), 0);
  assert_true(mwi_fold_needs_bits());
  mwi_store_release(&g[0]->status, MWI_G_WAITING);
  mwi_stacks_tidy();
  assert_int_not_equal(mwi_load_relaxed(&g[0]->fold), 0);
  assert_int_equal(mwi_fold_needs_bits(), always);
  mwi_stack_resume(g[0]);
  verify(words(g[0]), 0);
  struct mwi_stack s = g[0]->stack;
  g[0]->stack.hi = 0;
  mwi_stack_put(&s);
}

/* ---- The test ---------------------------------------------------------------- */

static void all_at_once(void **state) {
  (void)state;
  struct mwi_tcb t;
  become_thread(&t);
  make_goroutines(GOROUTINES);
  schedulers_left = SCHEDULERS;
  struct mwi_fold_stats before;
  mwi_fold_read_stats(&before);
  pthread_t thread[SCHEDULERS + SCANNERS + 2];
  for (uintptr_t i = 0; i < SCHEDULERS + SCANNERS + 2; i++) {
    void *(*part)(void *) = i < SCHEDULERS                  ? scheduler
                            : i < SCHEDULERS + SCANNERS     ? scanner
                            : i < SCHEDULERS + SCANNERS + 1 ? borrower
                                                            : faulter;
    assert_int_equal(pthread_create(&thread[i], NULL, part, (void *)i), 0);
  }
  for (int i = 0; i < SCHEDULERS + SCANNERS + 2; i++) pthread_join(thread[i], NULL);
  for (int i = 0; i < GOROUTINES; i++) {
    assert_int_equal(g[i]->lent, 0);
    mwi_stack_resume(g[i]);
    verify(words(g[i]), i);
    assert_int_equal(words(g[i])[COUNTER], runs[i]);
  }
  struct mwi_fold_stats stats;
  mwi_fold_read_stats(&stats);
  assert_true(stats.folds - before.folds > OPS / 100);
  assert_int_equal(stats.folds, stats.unfolds);
  assert_int_equal(stats.bytes, 0);
  printf("%llu folds, %llu by faults\n", (unsigned long long)stats.folds,
         (unsigned long long)stats.faults);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lent_stays), cmocka_unit_test(due_stays),
                                     cmocka_unit_test(all_at_once)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
