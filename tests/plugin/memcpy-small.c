// SPDX-License-Identifier: MIT
// Fewer than eight bytes hold no pointer; string literals are none.
// RUN: %ir2 | %check
#include <string.h>
void small(void *d, const void *s) { memcpy(d, s, 7); }
void text(char *d) { memcpy(d, "sixteen letters.", 16); }
// CHECK-LABEL: define{{.*}} void @small(
// CHECK-NOT: mwi_slow_wb
// CHECK-LABEL: define{{.*}} void @text(
// CHECK-NOT: mwi_slow_wb
// CHECK: ret void
