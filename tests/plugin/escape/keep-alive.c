// SPDX-License-Identifier: MIT
// mw_keep_alive keeps it alive, not for longer.
#include <mallow.h>
int f(void) {
  int *p = mw_new(int);
  mw_keep_alive(p);
  return *p;
}
// CHECK: {{^}}{{.*}}keep-alive.c:5:12: mw_new(int) does not escape{{$}}
