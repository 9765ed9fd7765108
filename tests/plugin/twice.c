// SPDX-License-Identifier: MIT
// IR that has been through the plugin is not instrumented again.
// RUN: %cc -O2 -S -emit-llvm %s -o %t.ll
// RUN: %cc -O2 -S -emit-llvm %t.ll -o - | %check
void *g;
int main(int argc, char **argv) { g = argv; return argc; }
// CHECK: @mwi_globals = internal constant [1 x
// CHECK: define{{.*}} @mw_user_main
// CHECK: call preserve_mostcc void @mwi_slow_wb(
// CHECK-NOT: call preserve_mostcc void @mwi_slow_wb(
// CHECK: define i32 @main(
// CHECK-NOT: @main(
