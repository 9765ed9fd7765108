// SPDX-License-Identifier: MIT
// The product counts.
#include <mallow.h>
int f(int i) {
  long *a = mw_make(long, 8193);
  a[i] = 1;
  return (int)a[2];
}
// CHECK: {{^}}{{.*}}make-product.c:5:13: mw_make(long, 8193) escapes to heap (too large for stack){{$}}
