/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/check.h -- what test programs share: a check, random numbers, parts by name
 *
 * A failed check prints the place and exits with 1: with exit, or with what the program
 * defines as CHECK_EXIT before it includes this (_exit, for handlers and forked children).
 * MW_TEST_SEED=n repeats a failing run as far as scheduling lets it.
 */
#ifndef TESTS_SCHED_CHECK_H
#define TESTS_SCHED_CHECK_H

#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CHECK_EXIT
#define CHECK_EXIT exit
#endif

static unsigned long long check_seed;

#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      fprintf(stderr, "%s:%d: failed: %s (MW_TEST_SEED=%llu)\n", __FILE__, __LINE__, #x,           \
              check_seed);                                                                         \
      CHECK_EXIT(1);                                                                               \
    }                                                                                              \
  } while (0)

#define CHECK_EQ(a, b)                                                                             \
  do {                                                                                             \
    long long check_a = (long long)(a), check_b = (long long)(b);                                  \
    if (check_a != check_b) {                                                                      \
      fprintf(stderr, "%s:%d: %s is %lld, expected %lld (MW_TEST_SEED=%llu)\n", __FILE__,          \
              __LINE__, #a, check_a, check_b, check_seed);                                         \
      CHECK_EXIT(1);                                                                               \
    }                                                                                              \
  } while (0)

__attribute__((unused)) static void check_start(void) {
  const char *s = getenv("MW_TEST_SEED");
  check_seed = s != NULL ? strtoull(s, NULL, 10) : (unsigned long long)mw_nanotime();
}

/* One for each goroutine: splitmix64. */
typedef struct rng {
  uint64_t state;
} rng;
__attribute__((unused)) static uint64_t rng_next(rng *r) {
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
__attribute__((unused)) static unsigned rng_below(rng *r, unsigned n) {
  return (unsigned)(rng_next(r) % n);
}
__attribute__((unused)) static rng rng_for(unsigned long long stream) {
  rng r = {check_seed * 0x2545f4914f6cdd1du + stream};
  (void)rng_next(&r);
  return r;
}

/* A part of a program, which the command line names. */
struct check_case {
  const char *name;
  void (*run)(void);
};
/* Run it.  The exit status: 0, or 64 if there is none of that name. */
__attribute__((unused)) static int check_case(const struct check_case *cases, size_t n, int argc,
                                              char **argv) {
  for (size_t i = 0; argc > 1 && i < n; i++)
    if (strcmp(argv[1], cases[i].name) == 0) {
      cases[i].run();
      puts("ok");
      return 0;
    }
  return 64;
}
#define CHECK_CASE(cases, argc, argv) check_case(cases, sizeof(cases) / sizeof *(cases), argc, argv)

/* Run the one that the command line names, or all. */
__attribute__((unused)) static int check_cases(const struct check_case *cases, size_t n, int argc,
                                               char **argv) {
  if (argc > 1) return check_case(cases, n, argc, argv);
  for (size_t i = 0; i < n; i++) cases[i].run();
  puts("ok");
  return 0;
}
#define CHECK_CASES(cases, argc, argv)                                                             \
  check_cases(cases, sizeof(cases) / sizeof *(cases), argc, argv)

/* A number from the command line, or a default. */
__attribute__((unused)) static long arg_or(int argc, char **argv, int i, long otherwise) {
  return argc > i ? strtol(argv[i], NULL, 10) : otherwise;
}

#endif
