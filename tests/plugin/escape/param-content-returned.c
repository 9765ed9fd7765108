// SPDX-License-Identifier: MIT
// What a parameter points to is returned: level 1.
int *f(int **p) {
  return *p;
}
// CHECK: {{^}}{{.*}}param-content-returned.c:3:14: leaking param: p to result level=1{{$}}
