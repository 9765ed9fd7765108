// SPDX-License-Identifier: MIT
// Numbers need no barrier, whatever their size.
// RUN: %ir2 | %check
struct s { int i; long l; double d; char c[16]; };
void fill(struct s *p, long n) { p->i = 1; p->l = n; p->d = 2.0; p->c[3] = 'x'; }
// CHECK-NOT: mwi_slow_wb
// CHECK-LABEL: define{{.*}} void @fill(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret void
