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
// CHECK: %[[WORD:.*]] = load ptr, ptr %1, align 8
// CHECK: @mwi_slow_wb(ptr %0, ptr %[[WORD]])
// CHECK: store ptr %[[WORD]], ptr %0, align 8{{.*}}!mallow.guarded
// A tagged value, as interpreters copy it: the word and the tag, one barrier.
void both(struct tagged *a, const struct tagged *b) { a->value = b->value; a->tag = b->tag; }
// CHECK-LABEL: define{{.*}} void @both(
// CHECK-NOT: @mwi_slow_wb_copy
// CHECK: ret void
// Not a word in one piece.
typedef union any loose __attribute__((aligned(4)));
void odd(loose *a, const loose *b) { *a = *b; }
// CHECK-LABEL: define{{.*}} void @odd(
// CHECK: @mwi_slow_wb_copy(ptr %0, ptr %1, i64 8)
void twice(volatile union any *a, volatile union any *b) { *a = *b; }
// CHECK-LABEL: define{{.*}} void @twice(
// CHECK: @mwi_slow_wb_copy(ptr %0, ptr %1, i64 8)
