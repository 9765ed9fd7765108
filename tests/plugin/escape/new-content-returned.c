// SPDX-License-Identifier: MIT
// What it holds is returned, not the object.
#include <mallow.h>
struct node {
  int *p;
};
int *f(int *q) {
  struct node *n = mw_new(struct node);
  n->p = q;
  return n->p;
}
// CHECK: {{^}}{{.*}}new-content-returned.c:7:13: leaking param: q to result level=0{{$}}
// CHECK: {{^}}{{.*}}new-content-returned.c:8:20: mw_new(struct node) does not escape{{$}}
