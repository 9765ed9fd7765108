// SPDX-License-Identifier: MIT
// Stored in a collected object that escapes.
#include <mallow.h>
struct node {
  int *p;
};
struct node *f(void) {
  int x = 1;
  struct node *n = mw_new(struct node);
  n->p = &x;
  return n;
}
// CHECK: {{^}}{{.*}}heap-store.c:8:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}heap-store.c:9:20: mw_new(struct node) escapes to heap{{$}}
