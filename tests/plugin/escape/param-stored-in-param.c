// SPDX-License-Identifier: MIT
// Stored through another parameter.
void f(int **out, int *p) {
  *out = p;
}
// CHECK: {{^}}{{.*}}param-stored-in-param.c:3:14: out does not escape{{$}}
// CHECK: {{^}}{{.*}}param-stored-in-param.c:3:24: leaking param: p{{$}}
