// SPDX-License-Identifier: MIT
// A callee that only reads.
static int get(int *p) {
  return *p;
}
int f(void) {
  int x = 1;
  return get(&x);
}
// CHECK: {{^}}{{.*}}call-noescape-function.c:3:21: p does not escape{{$}}
