// SPDX-License-Identifier: MIT
// A function stores a pointer into itself in the object that it is given, and keeps nothing else.
struct cursor {
  char *at;
  struct cursor *self, *next;
  char buffer[64];
};
__attribute__((noinline)) void start(struct cursor *c) {
  c->at = c->buffer;
}
__attribute__((noinline)) void start_by(struct cursor *c) {
  c->self = c;
  start(c->self == c ? c : c);
}
int f(void) {
  struct cursor c;
  start(&c);
  start_by(&c);
  return *c.at;
}
// CHECK: {{^}}{{.*}}own-address.c:8:53: c does not escape{{$}}
// CHECK-NEXT: {{^}}{{.*}}own-address.c:11:56: c does not escape{{$}}
