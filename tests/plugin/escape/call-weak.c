// SPDX-License-Identifier: MIT
// A weak definition may be replaced.
__attribute__((weak)) int other(int *p) {
  return *p;
}
int f(void) {
  int x = 1;
  return other(&x);
}
// CHECK: {{^}}{{.*}}call-weak.c:3:38: p does not escape{{$}}
// CHECK: {{^}}{{.*}}call-weak.c:7:7: moved to heap: x{{$}}
