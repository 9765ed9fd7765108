// SPDX-License-Identifier: MIT
// To the heap and to the result.
int *g;
int *f(int **p) {
  g = *p;
  return (int *)p;
}
// CHECK: {{^}}{{.*}}param-both.c:4:14: leaking param content: p{{$}}
// CHECK: {{^}}{{.*}}param-both.c:4:14: leaking param: p to result level=0{{$}}
