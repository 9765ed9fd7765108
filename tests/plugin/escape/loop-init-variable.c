// SPDX-License-Identifier: MIT
// The loop's own variable is one for all turns, as in C.
int *g;
void f(int n) {
  for (int i = 0; i < n; i++) g = &i;
}
// CHECK: {{^}}{{.*}}loop-init-variable.c:5:12: moved to heap: i{{$}}
