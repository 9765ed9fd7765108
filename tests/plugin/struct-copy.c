// SPDX-License-Identifier: MIT
// Assigning a struct is a copy with a barrier over its range.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
struct pair { void *a, *b; };
void copy(struct pair *to, const struct pair *from) { *to = *from; }
// CHECK-LABEL: define{{.*}} void @copy(
// CHECK: call preserve_mostcc void @mwi_slow_wb_copy(ptr %[[D:.*]], ptr %[[S:.*]], i64 16)
// CHECK: call void @llvm.memcpy.p0.p0.i64(ptr align 8 %[[D]], ptr align 8 %[[S]], i64 16, i1 false){{.*}}!mallow.guarded
