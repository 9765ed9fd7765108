// SPDX-License-Identifier: MIT
// A value with its tag, made in registers, goes to where it is stored and not through the stack.
// RUN: %ir2 | %check
typedef struct value {
  union {
    int i;
    double d;
    void *p;
  } u;
  long tag;
} value;
static inline value of_int(int i) {
  value v;
  v.u.i = i;
  v.tag = 1;
  return v;
}
value *push_sum(value *sp, int a, int b) {
  *sp++ = of_int(a + b);
  return sp;
}
// CHECK-LABEL: define{{.*}} ptr @push_sum(
// CHECK-NOT: alloca
// CHECK-NOT: memcpy
// CHECK: store ptr %{{.*}}, ptr %0, {{.*}}!mallow.guarded
// CHECK: store ptr {{.*}}, ptr %{{.*}}!mallow.guarded
// CHECK-NOT: memcpy
// CHECK: ret ptr
