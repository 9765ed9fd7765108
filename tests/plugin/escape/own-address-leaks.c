// SPDX-License-Identifier: MIT
// An object holds its own address by way of a function, and what it holds outlives it: by a load,
// by a function that keeps it, by one that returns it, by a copy, by the same function.
struct cursor {
  char *at;
  struct cursor *self, *next;
  char buffer[64];
};
char *kept;
__attribute__((noinline)) void start(struct cursor *c) {
  c->at = c->buffer;
}
__attribute__((noinline)) void keep(struct cursor *c) {
  kept = c->at;
}
__attribute__((noinline)) char *where(struct cursor *c) {
  return c->at;
}
__attribute__((noinline)) void start_and_keep(struct cursor *c) {
  c->at = c->buffer;
  keep(c);
}
__attribute__((noinline)) void start_next(struct cursor *c, int n) {
  c->self = c;
  if (n) start_next(c->next, n - 1);
}
void loaded(void) {
  struct cursor a;
  start(&a);
  kept = a.at;
}
void called(void) {
  struct cursor b;
  start(&b);
  keep(&b);
}
char *returned(void) {
  struct cursor d;
  start(&d);
  return where(&d);
}
struct cursor copied(void) {
  struct cursor e, copy;
  start(&e);
  copy = e;
  return copy;
}
void both(void) {
  struct cursor g;
  start_and_keep(&g);
}
void further(void) {
  struct cursor h, i;
  h.next = &i;
  start_next(&h, 1);
  kept = (char *)i.self;
}
void turns(int n) {
  char *last = 0;
  for (int k = 0; k < n; k++) {
    struct cursor j;
    start(&j);
    if (last) *last = 1;
    last = j.at;
  }
}
// CHECK: {{^}}{{.*}}own-address-leaks.c:10:53: c does not escape{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:13:52: leaking param content: c{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:16:54: leaking param: c to result level=1{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:19:62: leaking param: c{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:23:58: c does not escape{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:28:17: moved to heap: a{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:33:17: moved to heap: b{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:38:17: moved to heap: d{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:43:17: moved to heap: e{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:49:17: moved to heap: g{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:53:20: moved to heap: i{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address-leaks.c:61:19: moved to heap: j{{$}}
