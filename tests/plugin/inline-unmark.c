// SPDX-License-Identifier: MIT
// A store that inlining reveals to go to a private variable loses its marker,
// and the variable its memory.
// RUN: %ir2 | %check
struct pair { void *a, *b; };
static void set(struct pair *p, void *a, void *b) { p->a = a; p->b = b; }
void *second(void *a, void *b) {
  struct pair p;
  set(&p, a, b);
  return p.b;
}
// CHECK-LABEL: define{{.*}} ptr @second(
// CHECK-NOT: alloca
// CHECK-NOT: mwi_slow_wb
// CHECK: ret ptr %1
