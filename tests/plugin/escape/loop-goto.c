// SPDX-License-Identifier: MIT
// A loop made with goto: the allocation is in a cycle.
#include <mallow.h>
int f(int n) {
  int *last = 0, s = 0;
again:;
  int *p = mw_new(int);
  *p = n;
  if (last) s += *last;
  last = p;
  if (n--) goto again;
  return s;
}
// CHECK: {{^}}{{.*}}loop-goto.c:7:12: mw_new(int) escapes to heap{{$}}
