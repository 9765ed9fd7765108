// SPDX-License-Identifier: MIT
// A size that is not constant: a small buffer where it fits.
#include <mallow.h>
int f(int n) {
  int *a = mw_make(int, (size_t)n);
  a[n - 1] = 1;
  return a[0];
}
// CHECK: {{^}}{{.*}}make-variable.c:5:12: mw_make(int, (size_t)n) does not escape{{$}}
