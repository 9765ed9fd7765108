// SPDX-License-Identifier: MIT
// qsort with a comparison that nobody knows.
#include <stdlib.h>
int f(int (*cmp)(const void *, const void *)) {
  int v[3] = {3, 1, 2};
  qsort(v, 3, sizeof v[0], cmp);
  return v[0];
}
// CHECK: {{^}}{{.*}}libc-qsort-unknown.c:4:13: cmp does not escape{{$}}
// CHECK: {{^}}{{.*}}libc-qsort-unknown.c:5:7: moved to heap: v{{$}}
