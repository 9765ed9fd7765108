// SPDX-License-Identifier: MIT
// Through a union of pointers.
union u {
  int *p;
  char *c;
};
char *f(void) {
  int x = 1;
  union u u = {&x};
  return u.c;
}
// CHECK: {{^}}{{.*}}union-pointer.c:8:7: moved to heap: x{{$}}
