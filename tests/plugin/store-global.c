// SPDX-License-Identifier: MIT
// Globals count as heap; so do static variables.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
void *g;
static void *s;
void *get(void) { return s; }
void set(void *p, void *q) { g = p; s = q; }
// CHECK-LABEL: define{{.*}} void @set(
// CHECK-DAG: call preserve_mostcc void @mwi_slow_wb(ptr @g,
// CHECK-DAG: call preserve_mostcc void @mwi_slow_wb(ptr @s,
// CHECK: ret void
