// SPDX-License-Identifier: MIT
// strtol's end points into its argument.
#include <stdlib.h>
char *f(void) {
  char b[8] = "12x";
  char *end;
  strtol(b, &end, 10);
  return end;
}
// CHECK: {{^}}{{.*}}libc-strtol.c:5:8: moved to heap: b{{$}}
