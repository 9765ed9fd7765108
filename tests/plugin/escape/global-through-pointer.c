// SPDX-License-Identifier: MIT
// Through a pointer to a global.
int *g;
void f(void) {
  int x = 1;
  int **p = &g;
  *p = &x;
}
// CHECK: {{^}}{{.*}}global-through-pointer.c:5:7: moved to heap: x{{$}}
