// SPDX-License-Identifier: MIT
// A type without pointers has no mask: never scanned.
// RUN: %ir2 | %check
#include <mallow.h>
struct plain { long a; double b; char c[40]; _Complex double z; };
// CHECK-DAG: @"mwi_layout.struct plain" = {{.*}} { i64 72, i32 8, i32 0, ptr null
// CHECK-DAG: @mwi_layout.int8 = {{.*}} { i64 1, i32 1, i32 0, ptr null
struct plain *a(void) { return mw_new(struct plain); }
char *b(size_t n) { return mw_make(char, n); }
// CHECK: call {{.*}}@mwi_rt_make(ptr {{.*}}@mwi_layout.int8, i64 %{{.*}})
