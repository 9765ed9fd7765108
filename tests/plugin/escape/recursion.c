// SPDX-License-Identifier: MIT
// A function that calls itself and only reads.
static int sum(int *p, int n) {
  return n ? *p + sum(p, n - 1) : 0;
}
int f(void) {
  int x = 1;
  return sum(&x, 3);
}
// CHECK: {{^}}{{.*}}recursion.c:3:21: p does not escape{{$}}
