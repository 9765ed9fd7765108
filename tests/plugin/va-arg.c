// SPDX-License-Identifier: MIT
// Pointers and structs taken from variable arguments.
// RUN: %ir0 | %check
// RUN: %ir2 | %check
#include <stdarg.h>
struct pair { void *a; double b; void *c; };
void take(void **one, struct pair *two, ...) {
  va_list ap;
  va_start(ap, two);
  *one = va_arg(ap, void *);
  *two = va_arg(ap, struct pair);
  va_end(ap);
}
// CHECK-LABEL: define{{.*}} void @take(
// CHECK: @mwi_slow_wb(
// CHECK: @mwi_slow_wb_copy({{.*}}i64 24)
