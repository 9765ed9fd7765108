// SPDX-License-Identifier: MIT
// What a pointer to a pointer points to, not the pointer.
int *f(void) {
  int x = 1;
  int *p = &x;
  int **pp = &p;
  return *pp;
}
// CHECK: {{^}}{{.*}}return-content.c:4:7: moved to heap: x{{$}}
