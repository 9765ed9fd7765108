// SPDX-License-Identifier: MIT
// An allocation that is stored in a global.
#include <mallow.h>
int *g;
void f(void) {
  g = mw_new(int);
}
// CHECK: {{^}}{{.*}}new-global.c:6:7: mw_new(int) escapes to heap{{$}}
