// SPDX-License-Identifier: MIT
// An allocation held by another that escapes.
#include <mallow.h>
struct node {
  struct node *next;
  int k;
};
struct node *f(void) {
  struct node *a = mw_new(struct node), *b = mw_new(struct node);
  a->next = b;
  return a;
}
// CHECK: {{^}}{{.*}}new-in-new-escapes.c:9:20: mw_new(struct node) escapes to heap{{$}}
// CHECK: {{^}}{{.*}}new-in-new-escapes.c:9:46: mw_new(struct node) escapes to heap{{$}}
