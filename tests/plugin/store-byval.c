// SPDX-License-Identifier: MIT
// An argument passed by value on the stack belongs to the function.
// RUN: %ir2 | %check
struct three { void *a, *b, *c; };
void use(struct three *) __attribute__((noinline));
void *change(struct three t, void *v, int n) {
  t.b = v;
  return ((void *volatile *)&t)[n];
}
// CHECK-LABEL: define{{.*}} ptr @change(ptr {{.*}}byval
// CHECK-NOT: mwi_slow_wb
// CHECK: ret ptr
