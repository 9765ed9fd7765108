// SPDX-License-Identifier: MIT
// The address of a pointer parameter escapes, and what it points to.
int **g;
void f(int *p) {
  g = &p;
}
// CHECK: {{^}}{{.*}}param-address.c:4:13: moved to heap: p{{$}}
