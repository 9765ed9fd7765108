// SPDX-License-Identifier: MIT
// A callee that keeps its argument.
int *g;
static void keep(int *p) {
  g = p;
}
void f(void) {
  int x = 1;
  keep(&x);
}
// CHECK: {{^}}{{.*}}call-keeps.c:4:23: leaking param: p{{$}}
// CHECK: {{^}}{{.*}}call-keeps.c:8:7: moved to heap: x{{$}}
