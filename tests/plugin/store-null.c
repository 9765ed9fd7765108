// SPDX-License-Identifier: MIT
// Storing null overwrites a pointer that the collector may still need.
// RUN: %ir2 | %check
void clear(void **p) { *p = 0; }
// CHECK-LABEL: define{{.*}} void @clear(
// CHECK: call preserve_mostcc void @mwi_slow_wb(ptr %0, ptr null)
// CHECK: store ptr null, ptr %0{{.*}}!mallow.guarded
