// SPDX-License-Identifier: MIT
// Through a comma expression.
int *f(void) {
  int x = 1;
  return (x++, &x);
}
// CHECK: {{^}}{{.*}}return-comma.c:4:7: moved to heap: x{{$}}
