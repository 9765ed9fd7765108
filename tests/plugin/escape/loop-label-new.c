// SPDX-License-Identifier: MIT
// Behind a label: an object that only a variable of its own turn holds stays on the stack.
#include <mallow.h>
int f(int n) {
  int s = 0;
again:;
  int *p = mw_new(int), *q;
  q = p;
  *q = n;
  s += *q;
  if (n--) goto again;
  return s;
}
// CHECK: {{^}}{{.*}}loop-label-new.c:7:12: mw_new(int) does not escape{{$}}
