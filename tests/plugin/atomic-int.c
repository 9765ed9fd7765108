// SPDX-License-Identifier: MIT
// Atomics narrower than a pointer are left alone.
// RUN: %ir2 | %check
#include <stdatomic.h>
void set(_Atomic int *p, atomic_bool *b) { *p = 1; atomic_exchange(b, 1); }
// CHECK-LABEL: define{{.*}} void @set(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret void
