// SPDX-License-Identifier: MIT
// qsort's calls go to the runtime, which sorts with barriers (src/gc/sort.c).
// RUN: %ir2 | %check
#include <stdlib.h>
void sort(void **a, size_t n, int (*cmp)(const void *, const void *)) { qsort(a, n, sizeof *a, cmp); }
// CHECK-LABEL: define{{.*}} void @sort(
// CHECK: call void @mwi_rt_qsort(
