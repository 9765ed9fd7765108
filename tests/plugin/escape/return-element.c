// SPDX-License-Identifier: MIT
// The address of an element moves the whole array.
int *f(int i) {
  int a[4] = {0};
  return &a[i];
}
// CHECK: {{^}}{{.*}}return-element.c:4:7: moved to heap: a{{$}}
