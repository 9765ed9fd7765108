// SPDX-License-Identifier: MIT
// ... or where its state, from an earlier call, leads to.
#include <string.h>
char *f(void) {
  char b[8] = "a b", *state;
  strtok_r(b, " ", &state);
  return strtok_r(NULL, " ", &state);
}
// CHECK: {{^}}{{.*}}libc-tokens-state.c:5:8: moved to heap: b{{$}}
