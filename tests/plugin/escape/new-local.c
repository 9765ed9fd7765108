// SPDX-License-Identifier: MIT
// An allocation that is only used here.
#include <mallow.h>
struct node {
  int k;
};
int f(void) {
  struct node *n = mw_new(struct node);
  n->k = 3;
  return n->k;
}
// CHECK: {{^}}{{.*}}new-local.c:8:20: mw_new(struct node) does not escape{{$}}
