// SPDX-License-Identifier: MIT
// What a parameter points to is stored in a global.
int *g;
void f(int **p) {
  g = *p;
}
// CHECK: {{^}}{{.*}}param-content-global.c:4:14: leaking param content: p{{$}}
