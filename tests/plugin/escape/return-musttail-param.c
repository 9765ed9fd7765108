// SPDX-License-Identifier: MIT
// What is not of the frame may go on.
static __attribute__((noinline)) int get(int *p) {
  return *p;
}
int f(int *p) {
  __attribute__((musttail)) return get(p);
}
int h(void) {
  int x = 1;
  return f(&x);
}
// CHECK: {{^}}{{.*}}return-musttail-param.c:3:47: p does not escape{{$}}
// CHECK: {{^}}{{.*}}return-musttail-param.c:6:12: p does not escape{{$}}
