// SPDX-License-Identifier: MIT
// The address as an operand of assembly.
int f(void) {
  int x = 1;
  __asm__ volatile("" : : "r"(&x) : "memory");
  return x;
}
// CHECK: {{^}}{{.*}}assembly-operand.c:4:7: moved to heap: x{{$}}
