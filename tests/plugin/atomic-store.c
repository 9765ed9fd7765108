// SPDX-License-Identifier: MIT
// Atomic stores keep their ordering behind the barrier.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
#include <stdatomic.h>
_Atomic(void *) a;
void seq(void *p) { a = p; }
void rel(void **w, void *p) { __atomic_store_n(w, p, __ATOMIC_RELEASE); }
// CHECK-LABEL: define{{.*}} void @seq(
// CHECK: @mwi_slow_wb(ptr @a,
// CHECK: store atomic {{.*}}ptr @a seq_cst, align 8{{.*}}!mallow.guarded
// CHECK-LABEL: define{{.*}} void @rel(
// CHECK: @mwi_slow_wb(
// CHECK: store atomic {{.*}} release, align 8{{.*}}!mallow.guarded
