// SPDX-License-Identifier: MIT
// Thread-locals count as heap, earn a warning, and are announced in the module.
// RUN: %cc -O2 -S -emit-llvm %s -o %t.ll 2>%t.err
// RUN: grep -q "thread-local 'mine' is per thread, and goroutines migrate \[-Wmallow-tls\]" %t.err
// RUN: cat %t.ll | %check
// RUN: %mallow cc -Wno-mallow-tls -O2 -c %s -o %t.o 2>%t.err2
// RUN: not grep -q thread-local %t.err2
_Thread_local void *mine;
void set(void *p) { mine = p; }
// CHECK: @mwi_module = internal global %struct.mwi_module { i32 2, i32 0, ptr null, ptr @__start_mw_text, ptr @__stop_mw_text, ptr @mwi_source, i32 1, i32 0, ptr null }
// CHECK-LABEL: define{{.*}} void @set(
// CHECK: @mwi_slow_wb(
