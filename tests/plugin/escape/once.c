// SPDX-License-Identifier: MIT
// The argument of mw_once_do: what the function, which is of this file, does with it.
#include <mallow.h>
static void init(void *p) {
  *(int *)p = 1;
}
int f(mw_once *o) {
  int x = 0;
  mw_once_do(o, init, &x);
  return x;
}
// CHECK: {{^}}{{.*}}once.c:4:24: p does not escape{{$}}
// CHECK: {{^}}{{.*}}once.c:7:16: o does not escape{{$}}
