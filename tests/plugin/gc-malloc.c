// SPDX-License-Identifier: MIT
// -fgc-malloc: calls and addresses of the malloc family become the runtime's;
// a definition of the program's own stays.  What cannot work is refused.
// RUN: %mallow cc -fgc-malloc -O0 -S -emit-llvm %s -o - | %check
// RUN: %mallow cc -O0 -S -emit-llvm %s -o - | %check --check-prefix=PLAIN
// RUN: not %mallow cc -fgc-malloc -fsanitize=address -c %s -o %t.o 2>&1 | grep -q 'fsanitize=address'
// RUN: not %mallow cc -fgc-malloc -static %s -o %t 2>&1 | grep -q 'cannot be combined with -static'
// RUN: %mallow cc -fgc-malloc -fno-gc-malloc -O0 -S -emit-llvm %s -o - | %check --check-prefix=PLAIN
#include <stdlib.h>
#include <string.h>
// CHECK: @hook = {{.*}}global ptr @mwi_rt_malloc
// PLAIN: @hook = {{.*}}global ptr @malloc
void *(*hook)(size_t) = malloc;
void *valloc(size_t n) { return hook(n); }
// CHECK-LABEL: define{{.*}} @use(
// CHECK: call {{.*}}@mwi_rt_calloc(
// CHECK: call {{.*}}@mwi_rt_realloc(
// CHECK: call {{.*}}@valloc(
// CHECK: call {{.*}}@mwi_rt_free(
// PLAIN-LABEL: define{{.*}} @use(
// PLAIN: call {{.*}}@calloc(
// PLAIN: call {{.*}}@free(
void use(void) {
  char *p = calloc(3, 4);
  p = realloc(p, 100);
  p = valloc(7);
  free(p);
}
