// SPDX-License-Identifier: MIT
// libc's functions keep nothing.
#include <stdio.h>
#include <string.h>
size_t f(void) {
  char b[32];
  snprintf(b, sizeof b, "%d", 3);
  return strlen(b);
}
// Nothing to report.
