// SPDX-License-Identifier: MIT
// Through a union with a double.
union u {
  int *p;
  double d;
};
double f(void) {
  int x = 1;
  union u u = {&x};
  return u.d;
}
// CHECK: {{^}}{{.*}}cast-double.c:8:7: moved to heap: x{{$}}
