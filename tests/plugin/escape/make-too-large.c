// SPDX-License-Identifier: MIT
// One byte more is too much.
#include <mallow.h>
int f(int i) {
  char *a = mw_make(char, 65537);
  a[i] = 1;
  return a[2];
}
// CHECK: {{^}}{{.*}}make-too-large.c:5:13: mw_make(char, 65537) escapes to heap (too large for stack){{$}}
