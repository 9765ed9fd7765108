// SPDX-License-Identifier: MIT
// Two functions that call each other and only read.
static int odd(int *p, int n);
static int even(int *p, int n) {
  return n ? odd(p, n - 1) : *p;
}
static int odd(int *p, int n) {
  return n ? even(p, n - 1) : 0;
}
int f(void) {
  int x = 1;
  return even(&x, 4);
}
// CHECK: {{^}}{{.*}}mutual-recursion.c:4:22: p does not escape{{$}}
// CHECK: {{^}}{{.*}}mutual-recursion.c:7:21: p does not escape{{$}}
