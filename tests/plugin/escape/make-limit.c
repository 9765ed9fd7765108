// SPDX-License-Identifier: MIT
// 64 KB is the limit for the stack.
#include <mallow.h>
int f(int i) {
  char *a = mw_make(char, 65536);
  a[i] = 1;
  return a[2];
}
// CHECK: {{^}}{{.*}}make-limit.c:5:13: mw_make(char, 65536) does not escape{{$}}
