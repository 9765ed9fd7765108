/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/churn.h -- what the churn programs share
 *
 * Job      Each program works for `rounds` rounds on one kind of data structure,
 *          checking its contents, while a goroutine collects without pause.
 *          What is wrong in the collector, the barrier or the layouts shows as
 *          wrong contents, most readily with GODEBUG=clobberfree=1.
 * Use      int main(int argc, char **argv) {
 *            churn_begin(argc, argv, 200);
 *            while (churn_round()) ...CHECK(...)...
 *            return churn_end();
 *          }
 * Seed     MW_TEST_SEED, printed in a failure.
 */
#ifndef STRESS_CHURN_H
#define STRESS_CHURN_H

#include <mallow.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) churn_fail(__FILE__, __LINE__, #condition);                                  \
  } while (0)

static uint64_t churn_seed, churn_state;
static long churn_rounds, churn_at;
static _Atomic bool churn_stopping, churn_stopped;
static _Atomic uint32_t churn_collections;
static const char *churn_name;

static inline _Noreturn void churn_fail(const char *file, int line, const char *condition) {
  dprintf(STDERR_FILENO, "FAIL: %s:%d: round %ld: %s\nrepeat with MW_TEST_SEED=%" PRIu64 "\n", file,
          line, churn_at, condition, churn_seed);
  _exit(1);
}

/* main's random numbers; other goroutines keep a state of their own. */
static inline uint64_t churn_next(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
static inline uint32_t churn_below(uint32_t n) {
  return (uint32_t)(churn_next(&churn_state) >> 33) % n;
}

static void churn_collector(void *arg) {
  (void)arg;
  while (!churn_stopping) {
    mw_gc();
    churn_collections++;
    mw_yield();
  }
  churn_stopped = true;
}

/* argv[1]: rounds, else the default. */
static inline void churn_begin(int argc, char **argv, long rounds) {
  const char *seed = getenv("MW_TEST_SEED");
  churn_seed = churn_state = seed && *seed ? strtoull(seed, NULL, 0) : (uint64_t)mw_nanotime();
  churn_rounds = argc > 1 ? atol(argv[1]) : rounds;
  const char *slash = strrchr(argv[0], '/');
  churn_name = slash ? slash + 1 : argv[0];
  if (mw_set_max_procs(0) < 2) mw_set_max_procs(2);
  mw_go(churn_collector, NULL);
}

static inline bool churn_round(void) {
  return churn_at++ < churn_rounds;
}

/* Wait until the cycle in progress and one more have ended: what is unreachable is gone. */
static inline void churn_settle(void) {
  mw_gc();
  mw_gc();
}

/* Garbage of the size asked, so that freed slots of that size are used again. */
static inline void churn_reuse(size_t bytes, int n) {
  for (int i = 0; i < n; i++) {
    unsigned char *p = mw_alloc(bytes), *q = mw_alloc_noscan(bytes);
    for (size_t k = 0; k < bytes; k++) CHECK(p[k] == 0 && q[k] == 0);
    memset(p, 0xa5, bytes);
    memset(q, 0x5a, bytes);
  }
}

static inline int churn_end(void) {
  churn_stopping = true;
  while (!churn_stopped) mw_yield();
  printf("%s: %ld rounds, %u collections: intact\n", churn_name, churn_rounds, churn_collections);
  return 0;
}

#endif
