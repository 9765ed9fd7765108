// SPDX-License-Identifier: MIT
// The content of one object is stored in another.
struct v {
  long *data;
  long len;
};
void f(struct v *a, struct v *b) {
  a->len = b->len;
}
// CHECK: {{^}}{{.*}}param-two-objects.c:7:18: a does not escape{{$}}
// CHECK: {{^}}{{.*}}param-two-objects.c:7:31: leaking param content: b{{$}}
