// SPDX-License-Identifier: MIT
// A flexible array member of constant size.
#include <mallow.h>
struct v {
  int n;
  int a[];
};
int f(int i) {
  struct v *v = mw_new_flex(struct v, a, 4);
  v->a[i] = 1;
  return v->a[0];
}
// CHECK: {{^}}{{.*}}flex-constant.c:9:17: mw_new_flex(struct v, a, 4) does not escape{{$}}
