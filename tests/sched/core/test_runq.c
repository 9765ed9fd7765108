/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_runq.c -- a runnable goroutine is in exactly one queue [R1]
 *
 * Random operations on two processors and the global list against a model;
 * then one owner and several thieves at once (ThreadSanitizer).
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
#include "sched/proc.h"

static struct mwi_p *p_new(void) {
  struct mwi_p *p = mwi_meta_alloc(sizeof *p, 64);
  return p;
}

static struct mwi_g *globq_get(struct mwi_p *p) {
  mwi_lock(&mwi_sched.lock);
  struct mwi_g *g = mwi_globq_get_locked(p);
  mwi_unlock(&mwi_sched.lock);
  return g;
}

static void order(void **state) {
  (void)state;
  static struct mwi_g g[4];
  struct mwi_p *p = p_new();
  assert_true(mwi_runq_empty(p));
  mwi_runq_put(p, &g[0], false);
  mwi_runq_put(p, &g[1], false);
  mwi_runq_put(p, &g[2], true);
  mwi_runq_put(p, &g[3], true); /* pushes 2 to the tail */
  assert_false(mwi_runq_empty(p));
  assert_ptr_equal(mwi_runq_get(p), &g[3]);
  assert_ptr_equal(mwi_runq_get(p), &g[0]);
  assert_ptr_equal(mwi_runq_get(p), &g[1]);
  assert_ptr_equal(mwi_runq_get(p), &g[2]);
  assert_null(mwi_runq_get(p));
  assert_true(mwi_runq_empty(p));
}

static void full_ring_spills(void **state) {
  (void)state;
  enum { N = 1000 };
  static struct mwi_g g[N];
  static int seen[N];
  struct mwi_p *p = p_new();
  for (int i = 0; i < N; i++) mwi_runq_put(p, &g[i], false);
  assert_true(mwi_load_relaxed(&mwi_sched.runq_size) > 0);
  for (int got = 0; got < N; got++) {
    struct mwi_g *x = mwi_runq_get(p);
    if (!x) x = globq_get(p);
    assert_non_null(x);
    assert_int_equal(seen[x - g]++, 0);
  }
  assert_null(globq_get(p));
  assert_int_equal(mwi_load_relaxed(&mwi_sched.runq_size), 0);
}

static void thieves_take_half(void **state) {
  (void)state;
  static struct mwi_g g[100];
  struct mwi_p *victim = p_new(), *thief = p_new();
  for (int i = 0; i < 100; i++) mwi_runq_put(victim, &g[i], false);
  assert_ptr_equal(mwi_runq_steal(thief, victim, false), &g[49]);
  for (int i = 0; i < 49; i++) assert_ptr_equal(mwi_runq_get(thief), &g[i]);
  for (int i = 50; i < 100; i++) assert_ptr_equal(mwi_runq_get(victim), &g[i]);
  /* runnext alone: only when asked for */
  mwi_runq_put(victim, &g[0], true);
  assert_null(mwi_runq_steal(thief, victim, false));
  assert_ptr_equal(mwi_runq_steal(thief, victim, true), &g[0]);
  assert_true(mwi_runq_empty(victim));
}

static void random_operations(void **state) {
  (void)state;
  enum { N = 800, STEPS = 200000 };
  static struct mwi_g g[N];
  static bool queued[N];
  struct mwi_p *p[2] = {p_new(), p_new()};
  const char *seed = getenv("MW_TEST_SEED");
  uint64_t x = seed ? strtoull(seed, NULL, 0) : 88172645463325252u;
  printf("MW_TEST_SEED=%lu\n", (unsigned long)x);
  int inside = 0;
  for (int step = 0; step < STEPS; step++) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    struct mwi_p *mine = p[x >> 33 & 1], *other = p[~(x >> 33) & 1];
    int k = (int)((x >> 34) % N);
    struct mwi_g *out = NULL;
    bool growing = step / 2000 % 2 == 0; /* full and empty by turns */
    switch ((x >> 50) % (growing ? 12 : 6)) {
    case 0:
    case 1:
      out = mwi_runq_get(mine);
      break;
    case 2:
      out = x >> 60 & 1 ? mwi_runq_get_ring(mine) : mwi_runq_get_next(mine);
      if (x >> 61 & 1) mwi_runq_demote(mine);
      break;
    case 3:
      if (mwi_runq_empty(mine)) out = mwi_runq_steal(mine, other, x >> 60 & 1);
      break;
    case 4:
      out = globq_get(mine);
      break;
    case 5:
      if (queued[k]) break;
      mwi_lock(&mwi_sched.lock);
      mwi_globq_put_locked(&g[k]);
      mwi_unlock(&mwi_sched.lock);
      queued[k] = true;
      inside++;
      break;
    default:
      if (queued[k]) break;
      if (!(x >> 61 & 1) || !mwi_runq_put_next_try(mine, &g[k]))
        mwi_runq_put(mine, &g[k], x >> 60 & 1);
      queued[k] = true;
      inside++;
    }
    if (!out) continue;
    assert_true(out >= g && out < g + N && queued[out - g]);
    queued[out - g] = false;
    inside--;
  }
  for (int i = 0; i < 2; i++)
    for (struct mwi_g *out; (out = mwi_runq_get(p[i])); inside--) queued[out - g] = false;
  for (struct mwi_g *out; (out = globq_get(p[0])) || (out = mwi_runq_get(p[0])); inside--) {
    assert_true(queued[out - g]);
    queued[out - g] = false;
  }
  assert_int_equal(inside, 0);
}

enum { THIEVES = 3, TOTAL = 60000, CIRCULATE = 600 };
static struct mwi_p *victim;
static struct mwi_g many[CIRCULATE];
static long runs[CIRCULATE]; /* plain: who holds a goroutine owns its count */
static _Atomic long total;

static void run(struct mwi_g *g, struct mwi_p *back) {
  runs[g - many]++;
  mwi_add_relaxed(&total, 1);
  if (runs[g - many] % 4 == 3 && mwi_runq_put_next_try(back, g)) return;
  mwi_runq_put(back, g, runs[g - many] & 1);
}

static void *thief(void *arg) {
  (void)arg;
  mwi_test_thread_init();
  mwi_rt_enter();
  struct mwi_p *p = p_new();
  while (mwi_load_relaxed(&total) < TOTAL) {
    struct mwi_g *g = mwi_runq_get(p);
    if (!g) g = globq_get(p);
    if (!g) g = mwi_runq_steal(p, victim, true);
    if (g) run(g, p);
  }
  for (struct mwi_g *g; (g = mwi_runq_get(p));) {
    mwi_lock(&mwi_sched.lock);
    mwi_globq_put_locked(g);
    mwi_unlock(&mwi_sched.lock);
  }
  return NULL;
}

static void thieves(void **state) {
  (void)state;
  victim = p_new();
  for (int i = 0; i < CIRCULATE; i++) mwi_runq_put(victim, &many[i], false);
  pthread_t t[THIEVES];
  for (int i = 0; i < THIEVES; i++)
    assert_int_equal(mwi_real_pthread_create(&t[i], NULL, thief, NULL), 0);
  while (mwi_load_relaxed(&total) < TOTAL) {
    struct mwi_g *g = mwi_runq_get(victim);
    if (!g) g = globq_get(victim);
    if (g) run(g, victim);
  }
  for (int i = 0; i < THIEVES; i++) pthread_join(t[i], NULL);
  int left = 0;
  long sum = 0;
  while (mwi_runq_get(victim) || globq_get(victim)) left++;
  for (int i = 0; i < CIRCULATE; i++) sum += runs[i];
  assert_int_equal(left, CIRCULATE); /* none lost, none twice */
  assert_int_equal(sum, mwi_load_relaxed(&total));
}

int main(void) {
  mwi_test_thread_init();
  mwi_rt_enter();
  mwi_sched.nprocs = 2;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order),
      cmocka_unit_test(full_ring_spills),
      cmocka_unit_test(thieves_take_half),
      cmocka_unit_test(random_operations),
      cmocka_unit_test(thieves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
