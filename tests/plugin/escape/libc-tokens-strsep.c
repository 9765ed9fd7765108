// SPDX-License-Identifier: MIT
// strsep returns what its argument points to.
#include <string.h>
char *f(void) {
  char b[8] = "a,b", *rest = b;
  return strsep(&rest, ",");
}
// CHECK: {{^}}{{.*}}libc-tokens-strsep.c:5:8: moved to heap: b{{$}}
