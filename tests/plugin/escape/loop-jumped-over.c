// SPDX-License-Identifier: MIT
// What a jump goes over keeps what an earlier turn has stored in it.
#include <mallow.h>
int f(int n, int turn) {
  int s = 0, k = 0;
again:;
  int *p = mw_new(int), y = n;
  *p = n;
  if (k++ != turn) goto over;
  int *x = p, *z = &y;
over:
  s += *x + *z;
  if (n--) goto again;
  return s;
}
// CHECK: {{^}}{{.*}}loop-jumped-over.c:7:12: mw_new(int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}loop-jumped-over.c:7:25: moved to heap: y{{$}}
