// SPDX-License-Identifier: MIT
// A callee that keeps what its argument points to.
int *g;
static void keep(int **p) {
  g = *p;
}
void f(void) {
  int x = 1;
  int *p = &x;
  keep(&p);
}
// CHECK: {{^}}{{.*}}call-keeps-content.c:4:24: leaking param content: p{{$}}
// CHECK: {{^}}{{.*}}call-keeps-content.c:8:7: moved to heap: x{{$}}
