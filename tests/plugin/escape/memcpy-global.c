// SPDX-License-Identifier: MIT
// A struct that holds it is copied with memcpy.
#include <string.h>
struct s {
  int *p;
  long n;
} g;
void f(void) {
  int x = 1;
  struct s s = {&x, 0};
  memcpy(&g, &s, sizeof s);
}
// CHECK: {{^}}{{.*}}memcpy-global.c:9:7: moved to heap: x{{$}}
