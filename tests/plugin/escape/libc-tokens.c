// SPDX-License-Identifier: MIT
// strtok_r's state and strsep's pointer stay here, and lead into the text that was given.
#include <string.h>
int f(char *text) {
  char *state, *rest;
  int n = 0;
  for (char *t = strtok_r(text, " ", &state); t; t = strtok_r(NULL, " ", &state)) n++;
  for (rest = text; rest; n++) strsep(&rest, ",");
  return n;
}
// CHECK: {{^}}{{.*}}libc-tokens.c:4:13: text does not escape{{$}}
