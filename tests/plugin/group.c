// SPDX-License-Identifier: MIT
// Neighbouring stores share one test; the slow half has a call for each.
// RUN: %ir2 | %check
struct node { struct node *l, *r; int k; void *data; };
void fill(struct node *n, struct node *l, struct node *r, void *d) {
  n->l = l;
  n->k = 3;
  n->r = r;
  n->data = d;
}
// CHECK-LABEL: define{{.*}} void @fill(
// CHECK: load volatile i8, ptr addrspace(256) inttoptr (i64 1
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_wb(
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_wb(
// CHECK-NOT: load volatile
// CHECK: store ptr {{.*}}!mallow.guarded
// CHECK: store i32 3
// CHECK: store ptr {{.*}}!mallow.guarded
// CHECK: store ptr {{.*}}!mallow.guarded
// CHECK: ret void
