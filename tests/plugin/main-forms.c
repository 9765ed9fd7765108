// SPDX-License-Identifier: MIT
// A main without arguments goes through an adapter, and calls of it still work.
// RUN: %ir0 | %check
int n;
int main(void) { return n++ ? 0 : main(); }
// CHECK: define internal i32 @mw_user_main()
// CHECK: call i32 @mw_user_main()
// CHECK: define internal i32 @mw_user_main_adapter(i32 %0, ptr %1, ptr %2)
// CHECK: call i32 @mw_user_main()
// CHECK: define i32 @main(
// CHECK: call i32 @mwi_rt_main(ptr @mw_user_main_adapter,
