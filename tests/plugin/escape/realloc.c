// SPDX-License-Identifier: MIT
// mw_realloc needs a collected object.
#include <mallow.h>
int *f(void) {
  int *p = mw_make(int, 4);
  return mw_realloc(p, 100);
}
// CHECK: {{^}}{{.*}}realloc.c:5:12: mw_make(int, 4) escapes to heap{{$}}
