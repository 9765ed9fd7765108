// SPDX-License-Identifier: MIT
// Numeric loops still vectorise.
// RUN: %ir2 | %check
void scale(float *restrict a, const float *restrict b, int n) { for (int i = 0; i < n; i++) a[i] = b[i] * 3; }
// CHECK-LABEL: define{{.*}} void @scale(
// CHECK: fmul <4 x float>
// CHECK: mwi_slow_poll
