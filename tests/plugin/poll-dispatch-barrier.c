/* SPDX-License-Identifier: MIT */
/* A poll before an indirect jump never comes between a barrier and its store.
 * RUN: %cc -O1 -fno-strict-aliasing -S -emit-llvm %s -o - | %check
 * RUN: %cc -O2 -fno-strict-aliasing -S -emit-llvm %s -o - | %check
 */
#include <mallow.h>
extern int zero;
void use(int *);

// CHECK-LABEL: @turns(
// CHECK: mwi_slow_wb
// CHECK: store i32 {{.*}}mallow.guarded
// CHECK: mwi_slow_poll
// CHECK: indirectbr
void turns(void) {
  static const void *const to[] = {&&again, &&out};
  int *a[3];
  int i = zero;
again:;
  int *p = mw_new(int);
  *p = i;
  a[i++] = p;
  goto *to[i == 3];
out:
  for (i = 0; i < 3; i++) use(a[i]);
}
