// SPDX-License-Identifier: MIT
// No elements.
#include <mallow.h>
int f(int n) {
  int *a = mw_make(int, 0);
  return a == 0 || n;
}
// CHECK: {{^}}{{.*}}make-zero.c:5:12: mw_make(int, 0) does not escape{{$}}
