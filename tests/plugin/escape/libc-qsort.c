// SPDX-License-Identifier: MIT
// qsort with a comparison of this file.
#include <stdlib.h>
static int cmp(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}
int f(void) {
  int v[3] = {3, 1, 2};
  qsort(v, 3, sizeof v[0], cmp);
  return v[0];
}
// CHECK: {{^}}{{.*}}libc-qsort.c:4:28: a does not escape{{$}}
// CHECK: {{^}}{{.*}}libc-qsort.c:4:43: b does not escape{{$}}
