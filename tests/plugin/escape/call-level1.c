// SPDX-License-Identifier: MIT
// A result at level 1.
static int *get(int **p) {
  return *p;
}
int *f(void) {
  int x = 1;
  int *p = &x;
  return get(&p);
}
// CHECK: {{^}}{{.*}}call-level1.c:3:23: leaking param: p to result level=1{{$}}
// CHECK: {{^}}{{.*}}call-level1.c:7:7: moved to heap: x{{$}}
