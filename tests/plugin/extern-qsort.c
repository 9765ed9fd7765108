// SPDX-License-Identifier: MIT
// qsort moves pointers and calls back: it is not harmless.
// RUN: %ir2 | %check
#include <stdlib.h>
void sort(void **a, size_t n, int (*cmp)(const void *, const void *)) { qsort(a, n, sizeof *a, cmp); }
// CHECK-LABEL: define{{.*}} void @sort(
// CHECK: call preserve_mostcc void @mwi_ext{{[12]}}.qsort(
