// SPDX-License-Identifier: MIT
// Two levels.
int *f(int ***p) {
  return **p;
}
// CHECK: {{^}}{{.*}}param-content2-returned.c:3:15: leaking param: p to result level=2{{$}}
