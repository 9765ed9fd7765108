// SPDX-License-Identifier: MIT
// mw_once_do with a function that keeps its argument, and one that nobody knows.
#include <mallow.h>
static int *kept;
static void keep(void *p) {
  kept = p;
}
int f(mw_once *o, void (*unknown)(void *)) {
  int x = 0, y = 1;
  mw_once_do(o, keep, &x);
  mw_once_do(o, unknown, &y);
  return *kept;
}
// CHECK: {{^}}{{.*}}once-keeps.c:5:24: leaking param: p{{$}}
// CHECK: {{^}}{{.*}}once-keeps.c:8:16: o does not escape{{$}}
// CHECK: {{^}}{{.*}}once-keeps.c:8:26: leaking param: unknown{{$}}
// CHECK: {{^}}{{.*}}once-keeps.c:9:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}once-keeps.c:9:14: moved to heap: y{{$}}
