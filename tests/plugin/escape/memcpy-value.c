// SPDX-License-Identifier: MIT
// The value is copied with memcpy.
#include <string.h>
int g;
void f(void) {
  int x = 1;
  memcpy(&g, &x, sizeof x);
}
// Nothing to report.
