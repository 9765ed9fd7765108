// SPDX-License-Identifier: MIT
// The checked forms of _FORTIFY_SOURCE keep their check and get a barrier.
// RUN: %ir2 | %check
void *__memcpy_chk(void *, const void *, unsigned long, unsigned long);
void checked(void *d, const void *s, unsigned long n, unsigned long room) { __memcpy_chk(d, s, n, room); }
// CHECK-LABEL: define{{.*}} void @checked(
// CHECK: @mwi_slow_wb_copy(ptr %0, ptr %1, i64 %2)
// CHECK: call ptr @__memcpy_chk(ptr %0, ptr %1, i64 %2, i64 %3){{.*}}!mallow.guarded
void enough(void *d, const void *s) { __memcpy_chk(d, s, 32, 64); }
// CHECK-LABEL: define{{.*}} void @enough(
// CHECK: call void @llvm.memcpy{{.*}}i64 32{{.*}}!mallow.guarded
