// SPDX-License-Identifier: MIT
// Stored in an element of a global array.
int *g[4];
void f(int i) {
  int x = 1;
  g[i] = &x;
}
// CHECK: {{^}}{{.*}}global-element.c:5:7: moved to heap: x{{$}}
