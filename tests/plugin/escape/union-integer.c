// SPDX-License-Identifier: MIT
// Through a union with an integer.
union u {
  int *p;
  unsigned long n;
};
unsigned long f(void) {
  int x = 1;
  union u u = {&x};
  return u.n;
}
// CHECK: {{^}}{{.*}}union-integer.c:8:7: moved to heap: x{{$}}
