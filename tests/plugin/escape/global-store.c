// SPDX-License-Identifier: MIT
// Stored in a global variable.
int *g;
void f(void) {
  int x = 1;
  g = &x;
}
// CHECK: {{^}}{{.*}}global-store.c:5:7: moved to heap: x{{$}}
