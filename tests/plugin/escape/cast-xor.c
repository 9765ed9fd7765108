// SPDX-License-Identifier: MIT
// Xor-ed with another number.
unsigned long g;
void f(unsigned long k) {
  int x = 1;
  g = (unsigned long)&x ^ k;
}
// CHECK: {{^}}{{.*}}cast-xor.c:5:7: moved to heap: x{{$}}
