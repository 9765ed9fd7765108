// SPDX-License-Identifier: MIT
// A volatile variable moves like others.
int volatile *f(void) {
  volatile int x = 1;
  return &x;
}
// CHECK: {{^}}{{.*}}volatile-variable.c:4:16: moved to heap: x{{$}}
