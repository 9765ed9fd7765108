// SPDX-License-Identifier: MIT
// An interpreter's indirect jump stays alone in its block, so that the back end
// can duplicate it; the polls are before the jumps to it.
// RUN: %ir2 | %check
int run(const unsigned char *pc, int x) {
  static void *const ops[] = {&&inc, &&dbl, &&stop};
  goto *ops[*pc++];
inc: x++; goto *ops[*pc++];
dbl: x *= 2; goto *ops[*pc++];
stop: return x;
}
// CHECK-LABEL: define{{.*}} i32 @run(
// CHECK: call preserve_mostcc void @mwi_slow_poll()
// CHECK: indirectbr
// CHECK-NOT: indirectbr
