// SPDX-License-Identifier: MIT
// A handle outlives everything.
#include <mallow.h>
mw_handle f(void) {
  int *p = mw_new(int);
  return mw_handle_new(p);
}
// CHECK: {{^}}{{.*}}handle.c:5:12: mw_new(int) escapes to heap{{$}}
