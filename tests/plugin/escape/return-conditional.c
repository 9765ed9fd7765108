// SPDX-License-Identifier: MIT
// Either of two.
int *f(int c) {
  int x = 1, y = 2;
  return c ? &x : &y;
}
// CHECK: {{^}}{{.*}}return-conditional.c:4:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}return-conditional.c:4:14: moved to heap: y{{$}}
