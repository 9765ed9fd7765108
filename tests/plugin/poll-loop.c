// SPDX-License-Identifier: MIT
// A loop polls once a turn; the poll is not between a barrier and its store.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
struct node { struct node *next; void *p; };
void mark(struct node *n, void *p) { for (; n; n = n->next) n->p = p; }
// CHECK-LABEL: define{{.*}} void @mark(
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK: store ptr {{.*}}!mallow.guarded
// CHECK: load volatile i8, ptr addrspace(256) null
// CHECK: call preserve_mostcc void @mwi_slow_poll()
