// SPDX-License-Identifier: MIT
// The pointer is copied with memcpy.
#include <string.h>
int *f(void) {
  int x = 1;
  int *p = &x, *q;
  memcpy(&q, &p, sizeof p);
  return q;
}
// CHECK: {{^}}{{.*}}memcpy-pointer.c:5:7: moved to heap: x{{$}}
