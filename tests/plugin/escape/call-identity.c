// SPDX-License-Identifier: MIT
// By way of a result, used here.
static int *same(int *p) {
  return p;
}
int f(void) {
  int x = 1;
  return *same(&x);
}
// CHECK: {{^}}{{.*}}call-identity.c:3:23: leaking param: p to result level=0{{$}}
