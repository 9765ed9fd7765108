// SPDX-License-Identifier: MIT
// Assigning a struct is a copy with a barrier over its range; two words at most are stores.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
struct three { void *a, *b, *c; };
void copy(struct three *to, const struct three *from) { *to = *from; }
// CHECK-LABEL: define{{.*}} void @copy(
// CHECK: call preserve_mostcc void @mwi_slow_wb_copy(ptr %[[D:.*]], ptr %[[S:.*]], i64 24)
// CHECK: call void @llvm.memcpy.p0.p0.i64(ptr align 8 %[[D]], ptr align 8 %[[S]], i64 24, i1 false){{.*}}!mallow.guarded
struct pair { void *a, *b; };
void copy2(struct pair *to, const struct pair *from) { *to = *from; }
// CHECK-LABEL: define{{.*}} void @copy2(
// CHECK: call preserve_mostcc void @mwi_slow_wb(ptr %{{.*}}, ptr %[[A:.*]])
// CHECK: call preserve_mostcc void @mwi_slow_wb(ptr %{{.*}}, ptr %[[B:.*]])
// CHECK-NOT: memcpy
// CHECK: store ptr %[[A]], ptr %{{.*}}!mallow.guarded
// CHECK: store ptr %[[B]], ptr %{{.*}}!mallow.guarded
