// SPDX-License-Identifier: MIT
// One of the two keeps it.
int *g;
static int odd(int *p, int n);
static int even(int *p, int n) {
  return n ? odd(p, n - 1) : *p;
}
static int odd(int *p, int n) {
  g = p;
  return n ? even(p, n - 1) : 0;
}
int f(void) {
  int x = 1;
  return even(&x, 4);
}
// CHECK: {{^}}{{.*}}mutual-recursion-leaks.c:5:22: leaking param: p{{$}}
// CHECK: {{^}}{{.*}}mutual-recursion-leaks.c:8:21: leaking param: p{{$}}
// CHECK: {{^}}{{.*}}mutual-recursion-leaks.c:13:7: moved to heap: x{{$}}
