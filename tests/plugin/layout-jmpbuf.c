// SPDX-License-Identifier: MIT
// A jmp_buf may hold the only copy of a pointer: all of it is scanned, in a
// global and in an object, and setjmp is announced while marking.
// RUN: %ir2 | %check
#include <mallow.h>
#include <setjmp.h>
static jmp_buf global_env;
struct coroutine {
  long number;
  jmp_buf env;
};
struct coroutine *make(void) { return mw_new(struct coroutine); }
int enter(struct coroutine *c) { return setjmp(c->env) + setjmp(global_env); }
// 26 words: one number, 25 of the buffer
// CHECK-DAG: private {{.*}}constant [1 x i64] [i64 67108862]
// CHECK-DAG: @mwi_globals = internal constant {{.*}} { ptr @global_env, i64 200, ptr null, i64 0 }
// CHECK-LABEL: define{{.*}} @enter(
// CHECK: call preserve_mostcc void @mwi_ext1._setjmp(ptr
// CHECK: call i32 @_setjmp(
