// SPDX-License-Identifier: MIT
// memcpy and memmove, as intrinsics and as calls of libc.
// RUN: %ir2 | %check
// RUN: %cc -O2 -fno-builtin -S -emit-llvm %s -o - | %check
#include <string.h>
void *copy(void *d, const void *s, size_t n) { return memcpy(d, s, n); }
void *move(void *d, const void *s, size_t n) { return memmove(d, s, n); }
// CHECK-LABEL: define{{.*}} ptr @copy(
// CHECK: call preserve_mostcc void @mwi_slow_wb_copy(ptr %0, ptr %1, i64 %2)
// CHECK: @llvm.memcpy{{.*}}(ptr {{.*}}%0, ptr {{.*}}%1, i64 %2, i1 false){{.*}}!mallow.guarded
// CHECK: ret ptr %0
// CHECK-LABEL: define{{.*}} ptr @move(
// CHECK: call preserve_mostcc void @mwi_slow_wb_copy(ptr %0, ptr %1, i64 %2)
// CHECK: @llvm.memmove{{.*}}!mallow.guarded
