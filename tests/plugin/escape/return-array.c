// SPDX-License-Identifier: MIT
// An array that decays is its address.
int *f(void) {
  int a[4] = {1};
  return a;
}
// CHECK: {{^}}{{.*}}return-array.c:4:7: moved to heap: a{{$}}
