/* SPDX-License-Identifier: MIT */
/*
 * tests/fake/fake_fatal.h -- mwi_fatal for unit tests
 *
 * Replaces debug/fatal.c: prints and aborts, or returns to a test that
 * expects it.
 *
 *     EXPECT_FATAL("found pointer to free object", mwi_sweep_some());
 */
#ifndef FAKE_FATAL_H
#define FAKE_FATAL_H

#include <setjmp.h>
#include <stdbool.h>

extern __thread jmp_buf fake_fatal_jump;
extern __thread bool fake_fatal_expected;
extern __thread char fake_fatal_message[512];

/* Run the statement; fail unless it ends in mwi_fatal with that text. */
#define EXPECT_FATAL(text, statement)                                                              \
  do {                                                                                             \
    fake_fatal_expected = true;                                                                    \
    if (setjmp(fake_fatal_jump) == 0) {                                                            \
      statement;                                                                                   \
      fake_fatal_expected = false;                                                                 \
      fail_msg("%s: not fatal", #statement);                                                       \
    }                                                                                              \
    if (!strstr(fake_fatal_message, (text))) fail_msg("fatal, but with: %s", fake_fatal_message);  \
  } while (0)

#endif
