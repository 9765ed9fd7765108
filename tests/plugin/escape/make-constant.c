// SPDX-License-Identifier: MIT
// An array of constant size.
#include <mallow.h>
int f(int i) {
  int *a = mw_make(int, 10);
  a[i] = 1;
  return a[2];
}
// CHECK: {{^}}{{.*}}make-constant.c:5:12: mw_make(int, 10) does not escape{{$}}
