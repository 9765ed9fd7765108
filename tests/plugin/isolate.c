// SPDX-License-Identifier: MIT
// An operation that the back end turns into a call has no order of its own; in
// a block with a barrier it moves into a function.
// RUN: %ir2 | %check
double both(void **p, void *v, double x) {
  *p = v;
  return __builtin_fmod(x, 3.0) + __builtin_sin(x);
}
// RUN: %cc -O2 -ffast-math -S -emit-llvm %s -o - | %check --check-prefix=FAST
// FAST-LABEL: define{{.*}} double @both(
// FAST: load volatile i8
// FAST-NOT: frem
// FAST-NOT: @llvm.sin
// FAST: store ptr {{.*}}!mallow.guarded
// FAST: call {{.*}}double @mwi_op
// FAST: ret double
// FAST: define internal double @mwi_op{{.*}} section "mw_text"
// CHECK-LABEL: define{{.*}} double @both(
// CHECK: store ptr {{.*}}!mallow.guarded
