// SPDX-License-Identifier: MIT
// A first member without elements, which {0} does not initialise: the layout is found all the same.
// RUN: %ir2 -Wno-gnu-empty-struct | %check
// RUN: %mallow cc -std=c17 -Wall -Wextra -Wpedantic -Werror -Wno-gnu-empty-struct -c %s -o %t.o
#include <mallow.h>
struct none {};
struct s { struct none n; long k; void *p; };
// CHECK-DAG: @[[M:mwi_mask[.0-9]*]] = {{.*}}[1 x i64] [i64 2]
// CHECK-DAG: @"mwi_layout.struct s" = {{.*}} { i64 16, i32 8, i32 2, ptr @[[M]]
struct s *make(void) { return mw_new(struct s); }
