// SPDX-License-Identifier: MIT
// scanf writes through its arguments.
#include <stdio.h>
int f(const char *s) {
  int x = 0;
  sscanf(s, "%d", &x);
  return x;
}
// CHECK: {{^}}{{.*}}libc-scanf.c:4:19: s does not escape{{$}}
