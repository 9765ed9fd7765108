// SPDX-License-Identifier: MIT
// The result of another function of the cycle counts as the heap, as in Go.
int pong(int *p, int n);
int *ping(int *p, int n) {
  if (n) pong(p, n - 1);
  return p;
}
int pong(int *p, int n) {
  if (n) ping(p, n - 1);
  return n;
}
int f(void) {
  int x = 1;
  return pong(&x, 3);
}
// CHECK: {{^}}{{.*}}mutual-recursion-result.c:4:16: leaking param: p to result level=0{{$}}
// CHECK: {{^}}{{.*}}mutual-recursion-result.c:8:15: leaking param: p{{$}}
// O0: {{^}}{{.*}}mutual-recursion-result.c:13:7: moved to heap: x{{$}}
