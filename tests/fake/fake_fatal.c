/* SPDX-License-Identifier: MIT */
/* tests/fake/fake_fatal.c -- see fake_fatal.h */
#include "fake/fake_fatal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

__thread jmp_buf fake_fatal_jump;
__thread bool fake_fatal_expected;
__thread char fake_fatal_message[512];

_Noreturn void mwi_fatal(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(fake_fatal_message, sizeof fake_fatal_message, format, args);
  va_end(args);
  if (fake_fatal_expected) {
    fake_fatal_expected = false;
    longjmp(fake_fatal_jump, 1);
  }
  fprintf(stderr, "fatal error: %s\n", fake_fatal_message);
  abort();
}
