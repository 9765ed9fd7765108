// SPDX-License-Identifier: MIT
// The loader calls a resolver before there is a control block: no poll in it.
// RUN: %ir0 | %check
// RUN: %mallow cc -O0 %s -o %t.exe && %t.exe
static int one(void) { return 1; }
static int (*resolve(void))(void) {
  for (volatile int i = 0; i < 1000; i++) {}
  return one;
}
int pick(void) __attribute__((ifunc("resolve")));
int main(void) { return pick() - 1; }
// CHECK: define internal ptr @resolve() #{{[0-9]+}} {
// CHECK-NOT: addrspace(256)
// CHECK: ret ptr
