// SPDX-License-Identifier: MIT
// A weak alias may be replaced.
static int target(int *p) {
  return *p;
}
int other(int *p) __attribute__((weak, alias("target")));
int f(void) {
  int x = 1;
  return other(&x);
}
// CHECK: {{^}}{{.*}}alias-weak.c:3:24: p does not escape{{$}}
// CHECK: {{^}}{{.*}}alias-weak.c:8:7: moved to heap: x{{$}}
