// SPDX-License-Identifier: MIT
// By way of a result, returned.
static int *same(int *p) {
  return p;
}
int *f(void) {
  int x = 1;
  return same(&x);
}
// CHECK: {{^}}{{.*}}call-identity-returned.c:3:23: leaking param: p to result level=0{{$}}
// CHECK: {{^}}{{.*}}call-identity-returned.c:7:7: moved to heap: x{{$}}
