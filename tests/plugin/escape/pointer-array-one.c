// SPDX-License-Identifier: MIT
// One element of an array of pointers is returned: all may be.
int *f(int i) {
  int x = 1, y = 2;
  int *a[2] = {&x, &y};
  return a[i];
}
// CHECK: {{^}}{{.*}}pointer-array-one.c:4:7: moved to heap: x{{$}}
// CHECK: {{^}}{{.*}}pointer-array-one.c:4:14: moved to heap: y{{$}}
