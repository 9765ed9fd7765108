// SPDX-License-Identifier: MIT
// A witness whose initialiser changed its type is scanned conservatively.
// RUN: %ir2 | %check
#include <mallow.h>
union u { char c; void *p; };
// CHECK: @[[M:mwi_mask[.0-9]*]] = {{.*}}[1 x i64] [i64 1]
// CHECK: @"mwi_layout.{{.*}}" = {{.*}} { i64 8, i32 8, i32 1, ptr @[[M]]
union u *make(void) { return mw_new(union u); }
