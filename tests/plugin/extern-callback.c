// SPDX-License-Identifier: MIT
// What may call back is announced by a byte of the thread's block, with pointers
// or without; what cannot is not.
// RUN: %ir2 | %check
#include <stdlib.h>
#include <string.h>
void plain(int);
void call_direct(void) { plain(3); }
// CHECK-LABEL: define{{.*}} void @call_direct(
// CHECK: store volatile i8 1, ptr addrspace(256) inttoptr (i64 3 to ptr addrspace(256)), align 1
// CHECK-NEXT: call void @plain(
void call_pointer(void (*f)(void)) { f(); }
// CHECK-LABEL: define{{.*}} void @call_pointer(
// CHECK: store volatile i8 1, ptr addrspace(256) inttoptr (i64 3 to
// CHECK-NEXT: call void %
void leave(void) { exit(2); }
// CHECK-LABEL: define{{.*}} void @leave(
// CHECK: store volatile i8 1, ptr addrspace(256) inttoptr (i64 3 to
// CHECK-NEXT: call void @exit(
size_t length(const char *s, char *t) {
  strcpy(t, s);
  return strlen(t);
}
// CHECK-LABEL: define{{.*}} @length(
// CHECK-NOT: inttoptr (i64 3 to
// CHECK: ret i64
void with_pointer(void **p, void g(void **)) { g(p); }
// CHECK-LABEL: define{{.*}} void @with_pointer(
// CHECK: store volatile i8 1, ptr addrspace(256) inttoptr (i64 3 to
// CHECK-NEXT: call void %
