// SPDX-License-Identifier: MIT
// An allocation that nobody uses is removed, unless its length may be fatal; a fresh object
// reads as zero.
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
void few(void) { long *p = mw_make(long, 100); p[1] = 1; }
// CHECK-LABEL: define{{.*}} void @few(
// CHECK-NOT: mwi_rt_make
// CHECK: ret void
void unknown(size_t n) { mw_make(long, n); }
// CHECK-LABEL: define{{.*}} void @unknown(
// CHECK: call {{.*}}@mwi_rt_make(
void overflow(void) { long *p = mw_make(long, (size_t)1 << 61); p[0] = 1; }
// CHECK-LABEL: define{{.*}} void @overflow(
// CHECK: call {{.*}}@mwi_rt_make({{.*}}, i64 2305843009213693952)
struct list { int n; long v[]; };
void flex(size_t n) { struct list *l = mw_new_flex(struct list, v, n); l->n = 1; }
// CHECK-LABEL: define{{.*}} void @flex(
// CHECK: call {{.*}}@mwi_rt_new_flex(
int zeros(size_t n, long **out) { long *p = mw_make(long, n + 1); int k = p[0]; *out = p; return k; }
// CHECK-LABEL: define{{.*}} i32 @zeros(
// CHECK: ret i32 0
