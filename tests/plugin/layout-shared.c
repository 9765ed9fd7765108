// SPDX-License-Identifier: MIT
// One descriptor for each type of a module, writable, of internal linkage.
// RUN: %ir0 | %check
#include <mallow.h>
struct node { struct node *next; };
struct node *one(void) { return mw_new(struct node); }
struct node *two(int n) { return mw_make(struct node, n); }
mw_chan *three(void) { return mw_chan_make(struct node, 4); }
// CHECK: @"mwi_layout.struct node" = internal global
// CHECK-NOT: mwi_layout.struct node.{{[0-9]}}
// CHECK-NOT: mwi_witness
// CHECK: call {{.*}}@mwi_rt_new(ptr @"mwi_layout.struct node")
// CHECK: call {{.*}}@mwi_rt_make(ptr @"mwi_layout.struct node", i64
// CHECK: call {{.*}}@mwi_rt_chan_make(ptr @"mwi_layout.struct node", i64 4)
