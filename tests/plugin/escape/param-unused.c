// SPDX-License-Identifier: MIT
// A parameter that is not used.
int f(int *p) {
  (void)p;
  return 0;
}
// CHECK: {{^}}{{.*}}param-unused.c:3:12: p does not escape{{$}}
