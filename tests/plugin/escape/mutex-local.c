// SPDX-License-Identifier: MIT
// A lock on the stack.
#include <mallow.h>
int f(void) {
  mw_mutex m = {0};
  mw_mutex_lock(&m);
  mw_mutex_unlock(&m);
  return 0;
}
// Nothing to report.
