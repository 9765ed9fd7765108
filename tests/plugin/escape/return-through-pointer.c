// SPDX-License-Identifier: MIT
// Through a pointer variable.
int *f(void) {
  int x = 1;
  int *p = &x;
  int *q = p;
  return q;
}
// CHECK: {{^}}{{.*}}return-through-pointer.c:4:7: moved to heap: x{{$}}
