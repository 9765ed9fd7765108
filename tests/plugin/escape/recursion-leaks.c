// SPDX-License-Identifier: MIT
// A function that calls itself and keeps its argument.
int *g;
static void keep(int *p, int n) {
  if (n)
    keep(p, n - 1);
  else
    g = p;
}
void f(void) {
  int x = 1;
  keep(&x, 3);
}
// CHECK: {{^}}{{.*}}recursion-leaks.c:4:23: leaking param: p{{$}}
// CHECK: {{^}}{{.*}}recursion-leaks.c:11:7: moved to heap: x{{$}}
