// SPDX-License-Identifier: MIT
// Untyped allocations stay on the heap and are not reported.
#include <mallow.h>
int f(void) {
  int *p = mw_alloc(4);
  *p = 2;
  return *p;
}
// Nothing to report.
