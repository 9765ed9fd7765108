// SPDX-License-Identifier: MIT
// One past the end is still the array's address.
int *f(void) {
  int a[4] = {1};
  return a + 4;
}
// CHECK: {{^}}{{.*}}return-end.c:4:7: moved to heap: a{{$}}
