// SPDX-License-Identifier: MIT
// An allocation that is returned.
#include <mallow.h>
struct node {
  int k;
};
struct node *f(void) {
  return mw_new(struct node);
}
// CHECK: {{^}}{{.*}}new-returned.c:8:10: mw_new(struct node) escapes to heap{{$}}
