// SPDX-License-Identifier: MIT
// A field's value is one level, its address none.
struct s {
  int *p;
  int n;
};
int *f(struct s *a) {
  return a->p;
}
int *h(struct s *b) {
  return &b->n;
}
// CHECK: {{^}}{{.*}}param-field-returned.c:7:18: leaking param: a to result level=1{{$}}
// CHECK: {{^}}{{.*}}param-field-returned.c:10:18: leaking param: b to result level=0{{$}}
