// SPDX-License-Identifier: MIT
// A comparison is a number.
int f(int *q) {
  int x = 1;
  return &x == q;
}
// CHECK: {{^}}{{.*}}return-comparison.c:3:12: q does not escape{{$}}
