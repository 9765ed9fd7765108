// SPDX-License-Identifier: MIT
// The promise is about the pointer, not about what it points to.
void other(int **p __attribute__((noescape)));
void f(void) {
  int x = 1;
  int *p = &x;
  other(&p);
}
// CHECK: {{^}}{{.*}}call-noescape-content.c:5:7: moved to heap: x{{$}}
