// SPDX-License-Identifier: MIT
// void main, and main with two arguments.
// RUN: %cc -w -O0 -S -emit-llvm %s -o - | %check
// RUN: %cc -w -O2 -DTWO -S -emit-llvm %s -o - | %check --check-prefix=TWO
#ifdef TWO
int main(int argc, char **argv) { return argv[argc - 1][0]; }
#else
void main(void) {}
#endif
// CHECK: define internal {{.*}}@mw_user_main()
// CHECK: define internal i32 @mw_user_main_adapter(
// CHECK: define i32 @main(
// TWO: define i32 @main(
// TWO: call i32 @mwi_rt_main(ptr {{.*}}@mw_user_main
