// SPDX-License-Identifier: MIT
// One of two allocations escapes.
#include <mallow.h>
int *g;
int f(int c) {
  int *a = mw_new(int), *b = mw_new(int);
  if (c) g = a;
  return *a + *b;
}
// CHECK: {{^}}{{.*}}new-conditional.c:6:12: mw_new(int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-conditional.c:6:30: mw_new(int) does not escape{{$}}
