// SPDX-License-Identifier: MIT
// A result at level 2.
static int *get(int ***p) {
  return **p;
}
int *f(void) {
  int x = 1;
  int *p = &x;
  int **pp = &p;
  return get(&pp);
}
// CHECK: {{^}}{{.*}}call-level2.c:3:24: leaking param: p to result level=2{{$}}
// CHECK: {{^}}{{.*}}call-level2.c:7:7: moved to heap: x{{$}}
