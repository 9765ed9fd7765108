// SPDX-License-Identifier: MIT
// Type-based alias information survives the marker: the int is loaded once.
// RUN: %ir2 | %check
struct s { int n; void *p; };
int twice(struct s *s, void *v) {
  int a = s->n;
  s->p = v;
  return a + s->n;
}
// CHECK-LABEL: define{{.*}} i32 @twice(
// CHECK: load i32
// CHECK: store ptr {{.*}}!tbaa {{.*}}!mallow.guarded
// CHECK-NOT: load i32
// CHECK: ret i32
