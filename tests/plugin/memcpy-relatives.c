// SPDX-License-Identifier: MIT
// mempcpy returns the end, bcopy has its arguments swapped, bzero clears.
// RUN: %cc -O2 -fno-builtin -S -emit-llvm %s -o - | %check
#define _GNU_SOURCE
#include <string.h>
#include <strings.h>
void *append(void *d, const void *s, size_t n) { return mempcpy(d, s, n); }
// CHECK-LABEL: define{{.*}} ptr @append(
// CHECK: @mwi_slow_wb_copy(ptr %0, ptr %1, i64 %2)
// CHECK: getelementptr i8, ptr %0, i64 %2
void swapped(void *d, const void *s, size_t n) { bcopy(s, d, n); }
// CHECK-LABEL: define{{.*}} void @swapped(
// CHECK: @mwi_slow_wb_copy(ptr %0, ptr %1, i64 %2)
// CHECK: @llvm.memmove
void wipe(void *d, size_t n) { bzero(d, n); }
// CHECK-LABEL: define{{.*}} void @wipe(
// CHECK: @mwi_slow_wb_clear(ptr %0, i64 %1)
