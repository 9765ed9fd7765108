// SPDX-License-Identifier: MIT
// Clearing memory overwrites pointers.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
#include <string.h>
struct pair { void *a, *b; };
void clear(struct pair *p) { memset(p, 0, sizeof *p); }
void reset(struct pair *p) { *p = (struct pair){0}; }
// CHECK-LABEL: define{{.*}} void @clear(
// CHECK: @mwi_slow_wb_clear(ptr %{{.*}}, i64 16)
// CHECK: @llvm.memset{{.*}}!mallow.guarded
// CHECK-LABEL: define{{.*}} void @reset(
// CHECK: @mwi_slow_wb_c
