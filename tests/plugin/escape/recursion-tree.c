// SPDX-License-Identifier: MIT
// A recursive builder: every node escapes.
#include <mallow.h>
typedef struct node {
  struct node *l, *r;
} node;
node *grow(int d) {
  node *n = mw_new(node);
  if (d) {
    n->l = grow(d - 1);
    n->r = grow(d - 1);
  }
  return n;
}
// CHECK: {{^}}{{.*}}recursion-tree.c:8:13: mw_new(node) escapes to heap{{$}}
