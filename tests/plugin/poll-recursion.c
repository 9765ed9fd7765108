// SPDX-License-Identifier: MIT
// Functions that may call themselves again poll on entry: directly, one of a
// ring, or through a pointer or an unknown function.
// RUN: %cc -O1 -fno-inline -S -emit-llvm %s -o - | %check
struct t { struct t *l, *r; };
int depth(struct t *t) { return t ? 1 + depth(t->l) * depth(t->r) : 0; }
// CHECK-LABEL: define{{.*}} i32 @depth(
// CHECK: load volatile i8, ptr addrspace(256) null
int pong(int), other(int);
int ping(int n) { return n ? pong(n - 1) * 2 : 0; }
// CHECK-LABEL: define{{.*}} i32 @ping(
// CHECK: load volatile i8, ptr addrspace(256) null
int pong(int n) { return ping(n / 2) + 1; }
// CHECK-LABEL: define{{.*}} i32 @pong(
// CHECK-NOT: addrspace(256) null
// CHECK: ret i32
int outside(int n) { return other(n) + 1; }
// CHECK-LABEL: define{{.*}} i32 @outside(
// CHECK: load volatile i8, ptr addrspace(256) null
static int local(int n) { return n + 1; }
int once(int n) { return local(n) + 2; }
// CHECK-LABEL: define{{.*}} i32 @once(
// CHECK-NOT: addrspace(256) null
// CHECK: ret i32
