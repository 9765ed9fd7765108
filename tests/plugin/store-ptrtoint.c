// SPDX-License-Identifier: MIT
// A pointer stored as an integer is a pointer store.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
#include <stdint.h>
void hide(uintptr_t *where, void *p) { *where = (uintptr_t)p; }
void hide_through_variable(uintptr_t *where, void *p) {
  uintptr_t bits = (uintptr_t)p;
  *where = bits;
}
// CHECK-LABEL: define{{.*}} void @hide(
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK-LABEL: define{{.*}} void @hide_through_variable(
// CHECK: call preserve_mostcc void @mwi_slow_wb(
