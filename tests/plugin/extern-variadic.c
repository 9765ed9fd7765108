// SPDX-License-Identifier: MIT
// A call with variable arguments is checked where it is.
// RUN: %ir2 | %check
void unknown(void *, ...);
void pass(void **p) { unknown(p, p[1], 3); }
// CHECK-LABEL: define{{.*}} void @pass(
// CHECK: load volatile i8, ptr addrspace(256) inttoptr (i64 1
// CHECK: call preserve_mostcc void @mwi_ext2.unknown(ptr %0, ptr %{{.*}})
// CHECK: call void (ptr, ...) @unknown(
// CHECK: define linkonce_odr hidden preserve_mostcc void @mwi_ext2.unknown(ptr %0, ptr %1){{.*}} section "mw_text"
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_ext(ptr @unknown, ptr %0)
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_ext(ptr @unknown, ptr %1)
// CHECK-NEXT: ret void
