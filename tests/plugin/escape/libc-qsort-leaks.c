// SPDX-License-Identifier: MIT
// qsort with a comparison that keeps its argument.
#include <stdlib.h>
const void *g;
static int cmp(const void *a, const void *b) {
  g = a;
  return *(const int *)a - *(const int *)b;
}
int f(void) {
  int v[3] = {3, 1, 2};
  qsort(v, 3, sizeof v[0], cmp);
  return v[0];
}
// CHECK: {{^}}{{.*}}libc-qsort-leaks.c:5:28: leaking param: a{{$}}
// CHECK: {{^}}{{.*}}libc-qsort-leaks.c:5:43: b does not escape{{$}}
// CHECK: {{^}}{{.*}}libc-qsort-leaks.c:10:7: moved to heap: v{{$}}
