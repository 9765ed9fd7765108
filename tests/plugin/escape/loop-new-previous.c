// SPDX-License-Identifier: MIT
// The one of the turn before.
#include <mallow.h>
int f(int n) {
  int *last = 0, s = 0;
  for (int i = 0; i < n; i++) {
    int *p = mw_new(int);
    *p = i;
    if (last) s += *last;
    last = p;
  }
  return s;
}
// CHECK: {{^}}{{.*}}loop-new-previous.c:7:14: mw_new(int) escapes to heap{{$}}
