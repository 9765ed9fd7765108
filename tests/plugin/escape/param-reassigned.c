// SPDX-License-Identifier: MIT
// The variable of a parameter, assigned anew.
int *g;
int *f(int *p) {
  int *q = p;
  p = g;
  return p == q ? 0 : p;
}
// CHECK: {{^}}{{.*}}param-reassigned.c:4:13: leaking param: p to result level=0{{$}}
