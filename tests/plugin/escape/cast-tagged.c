// SPDX-License-Identifier: MIT
// With a tag in the low bits.
unsigned long g;
void f(void) {
  int x = 1;
  g = (unsigned long)&x | 1;
}
// CHECK: {{^}}{{.*}}cast-tagged.c:5:7: moved to heap: x{{$}}
