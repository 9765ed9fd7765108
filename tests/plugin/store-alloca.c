// SPDX-License-Identifier: MIT
// A variable of the function itself needs no barrier.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
void *pick(void *a, void *b, int n) {
  void *volatile local[4] = {a, b};
  local[2] = a;
  return local[n];
}
// CHECK-LABEL: define{{.*}} ptr @pick(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret ptr
