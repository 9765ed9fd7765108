// SPDX-License-Identifier: MIT
// The address of a frame's variable goes down, not up.
static int down(int *p, int n) {
  int x = *p + 1;
  return n ? down(&x, n - 1) : x;
}
int f(void) {
  int x = 1;
  return down(&x, 3);
}
// CHECK: {{^}}{{.*}}recursion-frame.c:3:22: p does not escape{{$}}
