// SPDX-License-Identifier: MIT
// An object's own content, stored in it again.
struct v {
  long *data;
  long len;
};
void f(struct v *v) {
  v->len++;
  v->len += 3;
}
// CHECK: {{^}}{{.*}}param-increment.c:7:18: v does not escape{{$}}
