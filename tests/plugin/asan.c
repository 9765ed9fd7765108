// SPDX-License-Identifier: MIT
// AddressSanitizer's checks go around the barrier, inline.
// RUN: %mallow cc -O1 -fsanitize=address,undefined -S -emit-llvm %s -o - | %check
// RUN: not %mallow cc -fsanitize=thread -c %s -o %t.o 2>%t.err
// RUN: grep -q 'mallow: -fsanitize=thread cannot be combined' %t.err
void set(void **p, void *v) { *p = v; }
// CHECK-LABEL: define{{.*}} void @set(
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK: store ptr {{.*}}!mallow.guarded
