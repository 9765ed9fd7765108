// SPDX-License-Identifier: MIT
// Assembly takes the address of a memory operand.
int *f(void) {
  int x = 1, *p;
  __asm__("lea %1, %0" : "=r"(p) : "m"(x));
  return p;
}
int *h(void) {
  int y = 1, *p;
  __asm__("lea %1, %%rax; mov %%rax, %0" : "=m"(p) : "m"(y) : "rax");
  return p;
}
// CHECK: {{^}}{{.*}}assembly-lea.c:4:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}assembly-lea.c:9:7: moved to heap: y{{$}}
