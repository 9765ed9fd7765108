// SPDX-License-Identifier: MIT
// strchr returns its argument.
#include <string.h>
char *f(int c) {
  char b[8] = "text";
  return strchr(b, c);
}
// CHECK: {{^}}{{.*}}libc-returns.c:5:8: moved to heap: b{{$}}
