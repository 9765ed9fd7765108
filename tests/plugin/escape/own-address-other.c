// SPDX-License-Identifier: MIT
// What is stored in one parameter's object is another's address, or it is another object: to the
// heap.
struct node {
  struct node *next, *prev;
};
__attribute__((noinline)) void link(struct node *a, struct node *b) {
  a->next = b;
  b->prev = b;
}
__attribute__((noinline)) void link_far(struct node *a) {
  a->next->prev = a;
}
void f(void) {
  struct node a, b, c;
  link(&a, &b);
  link_far(&c);
}
// CHECK: {{^}}{{.*}}own-address-other.c:7:50: a does not escape{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-other.c:7:66: leaking param: b{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-other.c:11:54: leaking param: a{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-other.c:15:18: moved to heap: b{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-other.c:15:21: moved to heap: c{{$}}
