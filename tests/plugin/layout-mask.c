// SPDX-License-Identifier: MIT
// The mask of nested structs and arrays: bit i is word i.
// RUN: %ir2 | %check
#include <mallow.h>
struct inner { int n; void *p; };                              // words 0, 1: 2
struct outer { struct inner a[2]; double d; void *q[2]; short s; }; // 1, 3, 5, 6
// CHECK-DAG: @[[M:mwi_mask[.0-9]*]] = {{.*}}[1 x i64] [i64 106]
// CHECK-DAG: @"mwi_layout.struct outer" = {{.*}} { i64 64, i32 8, i32 8, ptr @[[M]]
struct outer *make(void) { return mw_new(struct outer); }
