// SPDX-License-Identifier: MIT
// On one path only.
int *g;
void f(int c) {
  int x = 1;
  if (c) g = &x;
}
// CHECK: {{^}}{{.*}}global-conditional.c:5:7: moved to heap: x{{$}}
