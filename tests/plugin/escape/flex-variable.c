// SPDX-License-Identifier: MIT
// A flexible array member of a size that is not constant.
#include <mallow.h>
struct v {
  int n;
  int a[];
};
int f(int n) {
  struct v *v = mw_new_flex(struct v, a, (size_t)n);
  v->a[n - 1] = 1;
  return v->a[0];
}
// CHECK: {{^}}{{.*}}flex-variable.c:9:17: mw_new_flex(struct v, a, (size_t)n) escapes to heap (non-constant size){{$}}
