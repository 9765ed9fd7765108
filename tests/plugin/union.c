// SPDX-License-Identifier: MIT
// Every word of a union may be a pointer: the mask, and copies of it.
// RUN: %ir2 | %check
#include <mallow.h>
union any { long i; double d; void *p; };
struct tagged { long tag; union any value; };
// CHECK-DAG: @mwi_mask{{.*}} = {{.*}}[1 x i64] [i64 2]
// CHECK-DAG: @"mwi_layout.struct tagged" = internal global %struct.mwi_layout { i64 16, i32 8, i32 2, ptr @mwi_mask
struct tagged *make(void) { return mw_new(struct tagged); }
void copy(union any *a, const union any *b) { *a = *b; }
// CHECK-LABEL: define{{.*}} void @copy(
// CHECK: @mwi_slow_wb_copy(ptr %0, ptr %1, i64 8)
