// SPDX-License-Identifier: MIT
// As an integer.
unsigned long f(void) {
  int x = 1;
  return (unsigned long)&x;
}
// CHECK: {{^}}{{.*}}cast-uintptr-returned.c:4:7: moved to heap: x{{$}}
