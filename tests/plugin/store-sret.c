// SPDX-License-Identifier: MIT
// A struct returned through a hidden pointer may go to the heap.
// RUN: %ir2 | %check
struct three { void *a, *b, *c; };
struct three make(void *a, void *b, void *c) { return (struct three){a, b, c}; }
// CHECK-LABEL: define{{.*}} void @make(ptr {{.*}}sret
// CHECK: call preserve_mostcc void @mwi_slow_wb
