// SPDX-License-Identifier: MIT
// Variable arguments of a function of this file.
#include <stdarg.h>
static int first(int n, ...) {
  va_list ap;
  va_start(ap, n);
  int *p = va_arg(ap, int *);
  va_end(ap);
  return *p;
}
int f(void) {
  int x = 1;
  return first(1, &x);
}
// CHECK: {{^}}{{.*}}call-variadic.c:12:7: moved to heap: x{{$}}
