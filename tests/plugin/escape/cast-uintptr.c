// SPDX-License-Identifier: MIT
// Through an integer and back.
int *f(void) {
  int x = 1;
  unsigned long u = (unsigned long)&x;
  return (int *)u;
}
// CHECK: {{^}}{{.*}}cast-uintptr.c:4:7: moved to heap: x{{$}}
