// SPDX-License-Identifier: MIT
// A body that is only there for inlining is instrumented where it lands.
// RUN: %ir2 | %check
inline void set(void **p, void *v) { *p = v; }
void both(void **p, void *v) { set(p, v); set(p + 1, v); }
// CHECK-LABEL: define{{.*}} void @both(
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_wb(
