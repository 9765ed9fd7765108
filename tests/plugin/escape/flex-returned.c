// SPDX-License-Identifier: MIT
// A flexible array member in an object that escapes.
#include <mallow.h>
struct v {
  int n;
  int a[];
};
struct v *f(void) {
  return mw_new_flex(struct v, a, 4);
}
// CHECK: {{^}}{{.*}}flex-returned.c:9:10: mw_new_flex(struct v, a, 4) escapes to heap{{$}}
