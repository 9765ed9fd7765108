// SPDX-License-Identifier: MIT
// A number stored into a union may overwrite a pointer; other numbers do not.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
// RUN: %ir2 | %check --check-prefix=TYPED
union v { long i; double d; void *p; int n; struct { int x, y; } s; char c; };
struct t { int tag; union v u; };
void direct(union v *v, long i) { v->i = i; }
// CHECK-LABEL: define{{.*}} void @direct(
// CHECK: inttoptr i64
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK: store i64 {{.*}}!mallow.guarded
void real(union v *v, double d) { v->d = d; }
// CHECK-LABEL: define{{.*}} void @real(
// CHECK: bitcast double {{.*}} to i64
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK: store double {{.*}}!mallow.guarded
void half(struct t *t) { t->u.s.y = 3; }
// CHECK-LABEL: define{{.*}} void @half(
// CHECK: and i64 %{{.*}}, -8
// CHECK: call preserve_mostcc void @mwi_slow_wb(ptr %{{.*}}, ptr null)
// CHECK: store i32 3{{.*}}!mallow.guarded
void byte(struct t *t) { t->u.c = 3; }
// CHECK-LABEL: define{{.*}} void @byte(
// CHECK: call preserve_mostcc void @mwi_slow_wb(ptr %{{.*}}, ptr null)
// CHECK: store i8 3{{.*}}!mallow.guarded
void element(int *a, long i) { a[i] = 3; }
// CHECK-LABEL: define{{.*}} void @element(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret void
void tag(struct t *t, int *n, double *d, char *s) { t->tag = 1; *n = 2; *d = 3; *s = 4; }
// TYPED-LABEL: define{{.*}} void @tag(
// TYPED-NOT: mwi_slow_wb
// TYPED: ret void
