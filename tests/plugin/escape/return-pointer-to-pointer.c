// SPDX-License-Identifier: MIT
// The pointer variable moves, and what it points to.
int **f(void) {
  int x = 1;
  int *p = &x;
  return &p;
}
// CHECK: {{^}}{{.*}}return-pointer-to-pointer.c:4:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}return-pointer-to-pointer.c:5:8: moved to heap: p{{$}}
