// SPDX-License-Identifier: MIT
// In a shared library the address of a thread-local is a call of the loader's:
// it must not come between flag and store.
// RUN: %cc -w -O2 -fPIC -S -emit-llvm %s -o - | %check
// RUN: %cc -w -O2 -fPIC -S %s -o - | %check --check-prefix=ASM
// RUN: %cc -w -O2 -fPIE -S -emit-llvm %s -o - | %check --check-prefix=PIE
_Thread_local void *mine;
void set(void **p, void *v) { *p = v; mine = v; }
// CHECK-LABEL: define{{.*}} void @set(
// CHECK: call ptr @mwi_op()
// CHECK-NOT: llvm.threadlocal
// CHECK: ret void
// CHECK: define internal ptr @mwi_op()
// CHECK: call {{.*}}ptr @llvm.threadlocal.address.p0(ptr {{.*}}@mine)
// ASM-LABEL: {{^}}set:
// ASM-NOT: __tls_get_addr
// ASM: cmpb $0, %gs:1
// ASM: ret
// PIE-NOT: @mwi_op
