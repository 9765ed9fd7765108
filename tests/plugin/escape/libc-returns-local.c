// SPDX-License-Identifier: MIT
// ... which may stay here.
#include <string.h>
int f(int c) {
  char b[8] = "text";
  char *p = strchr(b, c);
  return p ? *p : 0;
}
// Nothing to report.
