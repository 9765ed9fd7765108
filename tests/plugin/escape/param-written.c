// SPDX-License-Identifier: MIT
// A parameter that is written through.
void f(int *p) {
  *p = 1;
}
// CHECK: {{^}}{{.*}}param-written.c:3:13: p does not escape{{$}}
