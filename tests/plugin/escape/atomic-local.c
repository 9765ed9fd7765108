// SPDX-License-Identifier: MIT
// An atomic variable of the frame.
#include <stdatomic.h>
int f(void) {
  int x = 1;
  _Atomic(int *) p = &x;
  return *atomic_load(&p);
}
// Nothing to report.
