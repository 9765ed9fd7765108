// SPDX-License-Identifier: MIT
// main becomes mw_user_main; the emitted main hands it to the runtime.
// RUN: %cc -g -O0 -S -emit-llvm %s -o - | %check
int main(int argc, char **argv, char **envp) { return argc + !argv + !envp; }
// CHECK: define internal i32 @mw_user_main(i32 {{.*}}, ptr {{.*}}, ptr {{.*}}) {{.*}}section "mw_text" !dbg ![[SP:[0-9]+]]
// CHECK: define i32 @main(i32 %0, ptr %1, ptr %2)
// CHECK-NOT: section
// CHECK: %[[R:.*]] = call i32 @mwi_rt_main(ptr @mw_user_main, i32 %0, ptr %1, ptr %2)
// CHECK-NEXT: ret i32 %[[R]]
// CHECK: ![[SP]] = distinct !DISubprogram(name: "main"
