// SPDX-License-Identifier: MIT
// The argument of a goroutine.
#include <mallow.h>
static void work(void *p) {
  ++*(int *)p;
}
void f(void) {
  int x = 1;
  mw_go(work, &x);
}
// CHECK: {{^}}{{.*}}go-argument.c:4:24: p does not escape{{$}}
// CHECK: {{^}}{{.*}}go-argument.c:8:7: moved to heap: x{{$}}
