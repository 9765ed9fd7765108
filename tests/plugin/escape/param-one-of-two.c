// SPDX-License-Identifier: MIT
// One of two parameters is returned.
int *f(int *a, int *b) {
  (void)b;
  return a;
}
// CHECK: {{^}}{{.*}}param-one-of-two.c:3:13: leaking param: a to result level=0{{$}}
// CHECK: {{^}}{{.*}}param-one-of-two.c:3:21: b does not escape{{$}}
