// SPDX-License-Identifier: MIT
// Either is returned.
int *f(int *a, int *b) {
  return *a < *b ? a : b;
}
// CHECK: {{^}}{{.*}}param-either.c:3:13: leaking param: a to result level=0{{$}}
// CHECK: {{^}}{{.*}}param-either.c:3:21: leaking param: b to result level=0{{$}}
