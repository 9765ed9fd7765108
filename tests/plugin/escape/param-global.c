// SPDX-License-Identifier: MIT
// A parameter that is stored in a global.
int *g;
void f(int *p) {
  g = p;
}
// CHECK: {{^}}{{.*}}param-global.c:4:13: leaking param: p{{$}}
