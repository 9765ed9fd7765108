// SPDX-License-Identifier: MIT
// Exchanges and compare-exchanges on words take the barrier; additions do not.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
void *swap(void **w, void *p) { return __atomic_exchange_n(w, p, __ATOMIC_ACQ_REL); }
// CHECK-LABEL: define{{.*}} ptr @swap(
// CHECK: @mwi_slow_wb(
// CHECK: atomicrmw xchg ptr %{{.*}} acq_rel{{.*}}!mallow.guarded
_Bool cas(void **w, void *old, void *new) { return __atomic_compare_exchange_n(w, &old, new, 1, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); }
// CHECK-LABEL: define{{.*}} i1 @cas(
// CHECK: @mwi_slow_wb(
// CHECK: cmpxchg weak ptr %{{.*}} seq_cst monotonic{{.*}}!mallow.guarded
long count(long *n) { return __atomic_fetch_add(n, 1, __ATOMIC_RELAXED); }
// CHECK-LABEL: define{{.*}} i64 @count(
// CHECK-NOT: @mwi_slow_wb
// CHECK: atomicrmw add
