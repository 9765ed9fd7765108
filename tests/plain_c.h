/* SPDX-License-Identifier: MIT */
/*
 * tests/plain_c.h -- for test programs that clang alone compiles as well, and that pass there
 *
 * With mallow they are compiled with WITH_MALLOW.  A failed check ends the program with _exit, for
 * handlers and forked children.  Before the program includes this it may say what a failed check
 * prints: CHECK_PART, a string, and CHECK_STEP, a number.
 */
#ifndef TESTS_PLAIN_C_H
#define TESTS_PLAIN_C_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef WITH_MALLOW
#include <mallow.h>
#endif

#ifndef CHECK_PART
#define CHECK_PART ""
#endif
#ifndef CHECK_STEP
#define CHECK_STEP 0
#endif

#define CHECK(c)                                                                                   \
  do {                                                                                             \
    if (!(c)) {                                                                                    \
      fprintf(stderr, "%s:%d: failed: %s (%s %ld, errno %d)\n", __FILE__, __LINE__, #c,            \
              CHECK_PART, (long)(CHECK_STEP), errno);                                              \
      _exit(1);                                                                                    \
    }                                                                                              \
  } while (0)

/* At least that long, whatever interrupts it. */
__attribute__((unused)) static void nap_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&t, &t) != 0) {
  }
}

#endif
