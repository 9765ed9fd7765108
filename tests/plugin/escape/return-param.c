// SPDX-License-Identifier: MIT
// The address of a parameter is returned.
int *f(int x) {
  return &x;
}
// CHECK: {{^}}{{.*}}return-param.c:3:12: moved to heap: x{{$}}
