// SPDX-License-Identifier: MIT
// A flexible array: the head's layout, the element's, the offset, the count.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
#include <mallow.h>
struct item { long key; void *value; };
struct list { long n; struct item items[]; };
struct list *make(long n) { return mw_new_flex(struct list, items, n); }
// CHECK-DAG: @"mwi_layout.struct list" = {{.*}} { i64 8, i32 8, i32 0, ptr null
// CHECK-DAG: @"mwi_layout.struct item" = {{.*}} { i64 16, i32 8, i32 2, ptr @mwi_mask
// CHECK-NOT: mwi_witness
// CHECK: call {{.*}}ptr @mwi_rt_new_flex(ptr {{.*}}@"mwi_layout.struct list", ptr {{.*}}@"mwi_layout.struct item", i64 8, i64 %{{.*}})
