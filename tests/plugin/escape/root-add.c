// SPDX-License-Identifier: MIT
// Memory that is a root outlives everything.
#include <mallow.h>
void f(void) {
  int *a[4] = {0};
  mw_root_add(a, sizeof a);
}
// CHECK: {{^}}{{.*}}root-add.c:5:8: moved to heap: a{{$}}
