// SPDX-License-Identifier: MIT
// One of a cycle escapes: both do.
struct node {
  struct node *next;
  int k;
};
struct node *f(void) {
  struct node a, b;
  a.next = &b;
  b.next = &a;
  return &a;
}
// CHECK: {{^}}{{.*}}heap-cycle-escapes.c:8:15: moved to heap: a{{$}}
// CHECK: {{^}}{{.*}}heap-cycle-escapes.c:8:18: moved to heap: b{{$}}
