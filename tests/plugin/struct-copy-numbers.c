// SPDX-License-Identifier: MIT
// A struct of numbers is copied without a barrier when its types are known.
// RUN: %ir2 | %check
struct numbers { long a; double b; int c, d; };
void copy(struct numbers *to, const struct numbers *from) { *to = *from; }
// CHECK-LABEL: define{{.*}} void @copy(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret void
