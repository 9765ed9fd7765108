// SPDX-License-Identifier: MIT
// A volatile pointer store stays volatile.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
void set(void *volatile *p, void *v) { *p = v; }
// CHECK-LABEL: define{{.*}} void @set(
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK: store volatile ptr {{.*}}!mallow.guarded
