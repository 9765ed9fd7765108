// SPDX-License-Identifier: MIT
// A volatile pointer variable.
int *f(void) {
  int x = 1;
  int *volatile p = &x;
  return p;
}
// CHECK: {{^}}{{.*}}volatile-pointer.c:4:7: moved to heap: x{{$}}
