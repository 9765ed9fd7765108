// SPDX-License-Identifier: MIT
// Two addresses to a callee that swaps.
static void swap(int *a, int *b) {
  int t = *a;
  *a = *b;
  *b = t;
}
int f(void) {
  int x = 1, y = 2;
  swap(&x, &y);
  return x;
}
// CHECK: {{^}}{{.*}}call-swap.c:3:23: a does not escape{{$}}
// CHECK: {{^}}{{.*}}call-swap.c:3:31: b does not escape{{$}}
