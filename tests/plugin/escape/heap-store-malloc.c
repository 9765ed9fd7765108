// SPDX-License-Identifier: MIT
// Stored in memory of malloc.
#include <stdlib.h>
int **f(void) {
  int x = 1;
  int **p = malloc(sizeof *p);
  *p = &x;
  return p;
}
// CHECK: {{^}}{{.*}}heap-store-malloc.c:5:7: moved to heap: x{{$}}
