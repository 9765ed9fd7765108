// SPDX-License-Identifier: MIT
// An allocation that a later turn can see.
#include <mallow.h>
struct node {
  struct node *next;
  int k;
};
int f(int n) {
  struct node *list = 0;
  for (int i = 0; i < n; i++) {
    struct node *p = mw_new(struct node);
    p->next = list;
    list = p;
  }
  return list->next->k;
}
// CHECK: {{^}}{{.*}}loop-new-kept.c:11:22: mw_new(struct node) escapes to heap{{$}}
