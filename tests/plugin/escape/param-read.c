// SPDX-License-Identifier: MIT
// A parameter that is read through.
int f(const int *p) {
  return *p;
}
// CHECK: {{^}}{{.*}}param-read.c:3:18: p does not escape{{$}}
