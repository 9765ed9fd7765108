// SPDX-License-Identifier: MIT
// An allocation held by another that stays.
#include <mallow.h>
struct node {
  struct node *next;
  int k;
};
int f(void) {
  struct node *a = mw_new(struct node), *b = mw_new(struct node);
  a->next = b;
  b->k = 2;
  return a->next->k;
}
// CHECK: {{^}}{{.*}}new-in-new.c:9:20: mw_new(struct node) does not escape{{$}}
// CHECK: {{^}}{{.*}}new-in-new.c:9:46: mw_new(struct node) does not escape{{$}}
