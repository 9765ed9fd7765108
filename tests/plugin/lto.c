// SPDX-License-Identifier: MIT
// -flto: the compiler leaves markers, the linker expands them.
// RUN: %mallow cc -O2 -flto -S -emit-llvm %s -o - | %check
// RUN: %mallow cc -O2 -flto -shared -fPIC %s -o %t.so
// RUN: objdump -d %t.so >%t.d && grep -q 'mwi_slow_wb' %t.d
// RUN: %mallow cc -O2 -flto=thin -shared -fPIC %s -o %t2.so
// RUN: objdump -d %t2.so >%t.d && grep -q 'mwi_slow_wb' %t.d
// RUN: %mallow cc -O0 -flto -shared -fPIC %s -o %t3.so
// RUN: objdump -d %t3.so >%t.d && grep -q 'mwi_slow_wb' %t.d
void *g;
void set(void *p) { g = p; }
// CHECK: call void @mwi_mark_store(
// CHECK-NOT: mwi_rt_module_add
