// SPDX-License-Identifier: MIT
// A parameter that is returned.
int *f(int *p) {
  return p;
}
// CHECK: {{^}}{{.*}}param-returned.c:3:13: leaking param: p to result level=0{{$}}
