// SPDX-License-Identifier: MIT
// Instrumented text lies in mw_text with frame pointers; sections with C names
// are registered besides; naked functions are left alone.
// RUN: %ir2 | %check
// RUN: not %cc -DBAD -c %s -o %t.o 2>%t.err
// RUN: grep -q 'section "9lives": the runtime finds code only in sections' %t.err
int plain(int n) { return n + 1; }
// CHECK: define{{.*}} i32 @plain({{.*}} #[[A:[0-9]+]] section "mw_text"
__attribute__((section("mine"))) int own(int n) { return n + 2; }
// CHECK: define{{.*}} i32 @own({{.*}} section "mine"
__attribute__((section(".text.hot"))) int ordered(int n) { return n + 3; }
// CHECK: define{{.*}} i32 @ordered({{.*}} section "mw_text"
__attribute__((naked)) void bare(void) { __asm__("ret"); }
// CHECK: define{{.*}} void @bare() {{.*}}#[[B:[0-9]+]] {
#ifdef BAD
__attribute__((section("9lives"))) int bad(int n) { return n; }
#endif
// CHECK: call void @mwi_rt_module_add(ptr @mwi_module)
// CHECK: call void @mwi_rt_module_add(ptr @mwi_module.
// CHECK: attributes #[[A]] = {{.*}}"frame-pointer"="all"
