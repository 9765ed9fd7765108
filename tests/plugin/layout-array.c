// SPDX-License-Identifier: MIT
// An array is described by its element, however long it is.
// RUN: %ir2 | %check
#include <mallow.h>
struct inner { int n; void *p; };
typedef struct inner big[100000];
// CHECK: @[[M:mwi_mask[.0-9]*]] = {{.*}}[1 x i64] [i64 2]
// CHECK: @"mwi_layout.struct inner[100000]" = {{.*}} { i64 1600000, i32 8, i32 2, ptr @[[M]]
big *make(void) { return mw_new(big); }
