// SPDX-License-Identifier: MIT
// A union returned in an integer register may be a pointer.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
struct value { union { long i; double d; void *p; } u; };
struct value get(void);
void put(struct value *where) { *where = get(); }
// CHECK-LABEL: define{{.*}} void @put(
// CHECK: call preserve_mostcc void @mwi_slow_wb
