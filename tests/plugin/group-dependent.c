// SPDX-License-Identifier: MIT
// A value loaded after the first store cannot be known before it: two tests.
// RUN: %ir2 | %check
struct node { struct node *next, *prev; };
void move(struct node *a, struct node *b, struct node *v) {
  a->next = v;
  b->prev = *(struct node *volatile *)&b->next;
}
// CHECK-LABEL: define{{.*}} void @move(
// CHECK: load volatile i8
// CHECK: store ptr {{.*}}!mallow.guarded
// CHECK: load volatile ptr
// CHECK: load volatile i8
// CHECK: store ptr {{.*}}!mallow.guarded
