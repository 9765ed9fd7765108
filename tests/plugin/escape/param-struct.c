// SPDX-License-Identifier: MIT
// An address in a struct passed by value.
struct s {
  int *p;
  int *q;
};
int *g;
void f(struct s s) {
  g = s.p;
}
// CHECK: {{^}}{{.*}}param-struct.c:8:17: leaking param: s{{$}}
