// SPDX-License-Identifier: MIT
// What the argument of a goroutine points to.
#include <mallow.h>
struct job {
  int *p;
};
static void work(void *a) {
  ++*((struct job *)a)->p;
}
void f(void) {
  int x = 1;
  struct job j = {&x};
  mw_go(work, &j);
}
// CHECK: {{^}}{{.*}}go-struct.c:7:24: a does not escape{{$}}
// CHECK: {{^}}{{.*}}go-struct.c:11:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}go-struct.c:12:14: moved to heap: j{{$}}
