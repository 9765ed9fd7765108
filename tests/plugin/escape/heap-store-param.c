// SPDX-License-Identifier: MIT
// Stored through a parameter: the caller has it.
struct node {
  int *p;
};
void f(struct node *n) {
  int x = 1;
  n->p = &x;
}
// CHECK: {{^}}{{.*}}heap-store-param.c:6:21: n does not escape{{$}}
// CHECK: {{^}}{{.*}}heap-store-param.c:7:7: moved to heap: x{{$}}
