// SPDX-License-Identifier: MIT
// A struct of more than 64 words has a mask of several words; beyond 1 MB it
// is scanned word by word.
// RUN: %ir2 | %check
#include <mallow.h>
struct wide { char name[640]; void *p; };
// CHECK-DAG: [2 x i64] [i64 0, i64 65536]
// CHECK-DAG: @"mwi_layout.struct wide" = {{.*}} { i64 648, i32 8, i32 81,
struct buffer { void *p; char text[262136]; };
// CHECK-DAG: [512 x i64] [i64 1, i64 0,
// CHECK-DAG: @"mwi_layout.struct buffer" = {{.*}} { i64 262144, i32 8, i32 32768,
struct huge { char name[2000000]; void *p; };
// CHECK-DAG: [1 x i64] [i64 1]
// CHECK-DAG: @"mwi_layout.struct huge" = {{.*}} { i64 2000008, i32 8, i32 1,
struct wide *a(void) { return mw_new(struct wide); }
struct buffer *c(void) { return mw_new(struct buffer); }
struct huge *b(void) { return mw_new(struct huge); }
