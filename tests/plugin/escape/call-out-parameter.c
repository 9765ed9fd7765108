// SPDX-License-Identifier: MIT
// An out-parameter receives a number.
static void set(int *out) {
  *out = 3;
}
int f(void) {
  int x;
  set(&x);
  return x;
}
// CHECK: {{^}}{{.*}}call-out-parameter.c:3:22: out does not escape{{$}}
