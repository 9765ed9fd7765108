// SPDX-License-Identifier: MIT
// Copying into a variable of the function needs no barrier.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
struct pair { void *a, *b; };
void *first(const struct pair *from) { struct pair p = *from; return p.a; }
// CHECK-LABEL: define{{.*}} ptr @first(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret ptr
