// SPDX-License-Identifier: MIT
// The address of a local is returned.
int *f(void) {
  int x = 1;
  return &x;
}
// CHECK: {{^}}{{.*}}return-local.c:4:7: moved to heap: x{{$}}
