// SPDX-License-Identifier: MIT
// Allocations that the optimiser makes one of are reported where each is written.
#include <mallow.h>
int *f(int c) {
  if (c > 10) {
    int *p = mw_new(int);
    *p = 3;
    return p;
  } else if (c > 7) {
    int *p = mw_new(int);
    *p = 3;
    return p;
  }
  return 0;
}
int *h(int c) {
  if (c > 10) {
    int x = 3;
    return &x;
  } else if (c > 7) {
    int y = 3;
    return &y;
  }
  return 0;
}
// CHECK: {{^}}{{.*}}new-merged.c:6:14: mw_new(int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-merged.c:10:14: mw_new(int) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-merged.c:18:9: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}new-merged.c:21:9: moved to heap: y{{$}}
