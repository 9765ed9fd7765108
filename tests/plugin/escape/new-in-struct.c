// SPDX-License-Identifier: MIT
// An allocation held by a local struct.
#include <mallow.h>
struct s {
  int *p;
};
int f(void) {
  struct s s = {mw_new(int)};
  *s.p = 4;
  return *s.p;
}
// CHECK: {{^}}{{.*}}new-in-struct.c:8:17: mw_new(int) does not escape{{$}}
