// SPDX-License-Identifier: MIT
// No element fits the small buffer.
#include <mallow.h>
struct s {
  long v[5];
};
long f(int n) {
  struct s *a = mw_make(struct s, (size_t)n);
  a[n - 1].v[0] = 1;
  return a[0].v[0];
}
// CHECK: {{^}}{{.*}}make-variable-large-element.c:8:17: mw_make(struct s, (size_t)n) escapes to heap (non-constant size){{$}}
