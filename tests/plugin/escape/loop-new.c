// SPDX-License-Identifier: MIT
// An allocation for one turn.
#include <mallow.h>
struct node {
  int k;
};
int f(int n) {
  int s = 0;
  for (int i = 0; i < n; i++) {
    struct node *p = mw_new(struct node);
    p->k = i;
    s += p->k;
  }
  return s;
}
// CHECK: {{^}}{{.*}}loop-new.c:10:22: mw_new(struct node) does not escape{{$}}
