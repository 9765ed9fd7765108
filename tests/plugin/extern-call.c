// SPDX-License-Identifier: MIT
// Pointers handed to unknown functions are announced while marking, by a small
// function that all callers share; a definition takes its place when linking.
// RUN: %ir2 | %check
// RUN: %ir0 | %check --check-prefix=DEF
void unknown(void *, void *, int);
void pass(void **p) { unknown(p, p[1], 3); }
// CHECK-DAG: $mwi_x.unknown = comdat any
// CHECK-LABEL: define{{.*}} void @pass(
// CHECK: call void @mwi_x.unknown(ptr {{.*}}%0, ptr {{.*}}%{{.*}}, i32
// CHECK: define linkonce_odr hidden void @mwi_x.unknown(ptr %0, ptr %1, i32 %2) {{.*}}section "mw_text" comdat
// CHECK: load volatile i8, ptr addrspace(256) inttoptr (i64 1
// CHECK: call preserve_mostcc void @mwi_slow_ext(ptr @unknown, ptr %0)
// CHECK-NEXT: call preserve_mostcc void @mwi_slow_ext(ptr @unknown, ptr %1)
// CHECK: musttail call void @unknown(ptr %0, ptr %1, i32 %2)
// CHECK-NEXT: ret void
// DEF: @mwi_x.pass = hidden alias void (ptr), ptr @pass
