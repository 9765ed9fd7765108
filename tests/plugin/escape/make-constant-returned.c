// SPDX-License-Identifier: MIT
// An array of constant size that is returned.
#include <mallow.h>
int *f(void) {
  return mw_make(int, 10);
}
// CHECK: {{^}}{{.*}}make-constant-returned.c:5:10: mw_make(int, 10) escapes to heap{{$}}
