// SPDX-License-Identifier: MIT
// A call through a pointer hands the callee's address over too.
// RUN: %ir2 | %check
void pass(void (*f)(void *), void *p) { f(p); }
// CHECK-LABEL: define{{.*}} void @pass(
// CHECK: call preserve_mostcc void @mwi_ext1.(ptr %0, ptr %1)
// CHECK: define linkonce_odr hidden preserve_mostcc void @mwi_ext1.(ptr %0, ptr %1)
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_ext(ptr %0, ptr %1)
