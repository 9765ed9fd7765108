// SPDX-License-Identifier: MIT
// The object escapes, so what it holds does.
#include <mallow.h>
struct node {
  int *p;
};
struct node *g;
void f(void) {
  int x = 1;
  struct node *n = mw_new(struct node);
  n->p = &x;
  g = n;
}
// CHECK: {{^}}{{.*}}new-holds-local.c:9:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}new-holds-local.c:10:20: mw_new(struct node) escapes to heap{{$}}
