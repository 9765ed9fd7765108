// SPDX-License-Identifier: MIT
// An allocation that nobody uses is removed; a fresh object reads as zero.
// RUN: %ir2 | %check
#include <mallow.h>
struct node { struct node *next; int k; };
void nothing(void) { mw_new(struct node); }
// CHECK-LABEL: define{{.*}} void @nothing(
// CHECK-NOT: mwi_rt_new
// CHECK: ret void
int zero(struct node **out) { struct node *n = mw_new(struct node); int k = n->k; *out = n; return k; }
// CHECK-LABEL: define{{.*}} i32 @zero(
// CHECK: ret i32 0
