// SPDX-License-Identifier: MIT
// A call between two stores ends the group: each has its own test.
// RUN: %ir2 | %check
int work(void);
void set(void **a, void **b, void *p) {
  *a = p;
  work();
  *b = p;
}
// CHECK-LABEL: define{{.*}} void @set(
// CHECK: load volatile i8, ptr addrspace(256) inttoptr (i64 1
// CHECK: store ptr {{.*}}!mallow.guarded
// CHECK: call i32 @work
// CHECK: load volatile i8, ptr addrspace(256) inttoptr (i64 1
// CHECK: store ptr {{.*}}!mallow.guarded
