// SPDX-License-Identifier: MIT
// At -O2 a small allocation is a bump of the processor's cursor; at -O1, -Os
// and for large or tiny types it is a call.
// RUN: %ir2 | %check
// RUN: %ir1 | %check --check-prefix=CALL
// RUN: %cc -Os -S -emit-llvm %s -o - | %check --check-prefix=CALL
#include <mallow.h>
struct node { struct node *next; int k; };
struct node *make(void) { return mw_new(struct node); }
// CHECK-LABEL: define{{.*}} ptr @make(
// CHECK: %[[CUR:.*]] = load atomic i32, ptr getelementptr (i8, ptr @"mwi_layout.struct node", i64 32) acquire
// CHECK: load volatile ptr, ptr addrspace(256) inttoptr (i64 16 to ptr addrspace(256))
// CHECK: icmp ugt ptr
// CHECK: store ptr {{.*}}!mallow.guarded
// CHECK: phi ptr
// CALL-LABEL: define{{.*}} ptr @make(
// CALL-NOT: phi
// CALL: call {{.*}}@mwi_rt_new(
// CALL-NEXT: ret ptr
struct big { struct big *next; char c[2000]; };
struct big *large(void) { return mw_new(struct big); }
// CHECK-LABEL: define{{.*}} ptr @large(
// CHECK-NOT: phi
// CHECK: call {{.*}}@mwi_rt_new(
// CHECK-NEXT: ret ptr
double *tiny(void) { return mw_new(double); }
// CHECK-LABEL: define{{.*}} ptr @tiny(
// CHECK-NOT: phi
// CHECK: call {{.*}}@mwi_rt_new(
// CHECK-NEXT: ret ptr
