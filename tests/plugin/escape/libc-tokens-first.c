// SPDX-License-Identifier: MIT
// What strtok_r returns is in its first argument, ...
#include <string.h>
char *f(void) {
  char b[8] = "a b", *state;
  return strtok_r(b, " ", &state);
}
// CHECK: {{^}}{{.*}}libc-tokens-first.c:5:8: moved to heap: b{{$}}
