// SPDX-License-Identifier: MIT
// The callee of a musttail call runs when the frame is gone.
static __attribute__((noinline)) int get(int *p) {
  return *p;
}
int f(int *p) {
  int x = 1 + (p != 0);
  __attribute__((musttail)) return get(&x);
}
// CHECK: {{^}}{{.*}}return-musttail.c:3:47: p does not escape{{$}}
// CHECK: {{^}}{{.*}}return-musttail.c:6:12: p does not escape{{$}}
// CHECK: {{^}}{{.*}}return-musttail.c:7:7: moved to heap: x{{$}}
