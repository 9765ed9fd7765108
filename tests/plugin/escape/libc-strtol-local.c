// SPDX-License-Identifier: MIT
// ... which may stay here.
#include <stdlib.h>
int f(void) {
  char b[8] = "12x";
  char *end;
  strtol(b, &end, 10);
  return *end;
}
// Nothing to report.
