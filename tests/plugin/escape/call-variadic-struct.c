// SPDX-License-Identifier: MIT
// A struct among variable arguments is a copy; what it points to is not.
#include <stdarg.h>
struct s {
  int *p;
  long more[4];
};
static struct s made(int *p) {
  return (struct s){p, {0}};
}
__attribute__((noinline)) static int *first(int n, ...) {
  va_list ap;
  va_start(ap, n);
  struct s s = va_arg(ap, struct s);
  va_end(ap);
  return s.p;
}
__attribute__((noinline)) static int again(int n, ...) { // in one component with f
  int f(int, struct s *);
  return n > 1 ? f(n - 1, (struct s *)0) : 0;
}
__attribute__((noinline)) int f(int n, struct s *all) {
  int x = 1;
  for (int i = 0; i < n; i++) {
    first(1, all[i], made(&x));
    again(n, all[i]);
  }
  return x;
}
// CHECK: {{^}}{{.*}}call-variadic-struct.c:8:27: leaking param: p to result level=0{{$}}
// CHECK: {{^}}{{.*}}call-variadic-struct.c:22:50: leaking param content: all{{$}}
// CHECK: {{^}}{{.*}}call-variadic-struct.c:23:7: moved to heap: x{{$}}
