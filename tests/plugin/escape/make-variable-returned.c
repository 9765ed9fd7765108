// SPDX-License-Identifier: MIT
// A size that is not constant, returned.
#include <mallow.h>
int *f(int n) {
  return mw_make(int, (size_t)n);
}
// CHECK: {{^}}{{.*}}make-variable-returned.c:5:10: mw_make(int, (size_t)n) escapes to heap{{$}}
