// SPDX-License-Identifier: MIT
// A pointer stored into a struct on the heap has a barrier, at every level.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
struct node { struct node *next; };
void link_to(struct node *a, struct node *b) { a->next = b; }
// CHECK-LABEL: define{{.*}} void @link_to(
// CHECK: %[[FLAG:.*]] = load volatile i8, ptr addrspace(256) inttoptr (i64 1 to ptr addrspace(256))
// CHECK-NEXT: %[[ON:.*]] = icmp ne i8 %[[FLAG]], 0
// CHECK-NEXT: br i1 %[[ON]], label %[[COLD:.*]], label %[[REST:.*]], !prof
// CHECK: [[COLD]]:
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_wb(ptr %[[SLOT:.*]], ptr %[[VALUE:.*]])
// CHECK-NEXT: br label %[[REST]]
// CHECK: [[REST]]:
// CHECK-NEXT: store ptr %[[VALUE]], ptr %[[SLOT]], align 8{{.*}}!mallow.guarded
