// SPDX-License-Identifier: MIT
// A variable whose address another goroutine may have keeps its barriers.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
void publish(void **);
void *share(void *a, void *b) {
  void *local = a;
  publish(&local);
  local = b;
  publish(&local);
  return local;
}
// CHECK-LABEL: define{{.*}} ptr @share(
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK: ret ptr
