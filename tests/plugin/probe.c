// SPDX-License-Identifier: MIT
// Frames are probed, so that they meet the guard below a stack; who asks clang
// for that keeps what he has asked for.
// RUN: %ir2 | %check
// RUN: %cc -O2 -fstack-clash-protection -mstack-probe-size=2048 -S -emit-llvm %s -o - | %check --check-prefix=OWN
// RUN: %cc -O2 -S %s -o - | %check --check-prefix=ASM
int use(volatile char *p);
int vla(unsigned n) {
  volatile char b[n];
  return use(b);
}
// CHECK: define{{.*}} i32 @vla({{.*}} #[[A:[0-9]+]] section "mw_text"
// CHECK: attributes #[[A]] = {{.*}}"probe-stack"="inline-asm"{{.*}}"stack-probe-size"="4096"
// OWN: define{{.*}} i32 @vla({{.*}} #[[A:[0-9]+]] section "mw_text"
// OWN: attributes #[[A]] = {{.*}}"probe-stack"="inline-asm"{{.*}}"stack-probe-size"="2048"
// ASM: vla:
// ASM: xorq $0, (%rsp)
// ASM: subq $4096, %rsp
