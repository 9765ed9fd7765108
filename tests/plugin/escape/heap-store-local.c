// SPDX-License-Identifier: MIT
// Stored in a collected object that stays: both stay.
#include <mallow.h>
struct node {
  int *p;
};
int f(void) {
  int x = 1;
  struct node *n = mw_new(struct node);
  n->p = &x;
  return *n->p;
}
// CHECK: {{^}}{{.*}}heap-store-local.c:9:20: mw_new(struct node) does not escape{{$}}
