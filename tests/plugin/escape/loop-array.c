// SPDX-License-Identifier: MIT
// Kept in an array from outside the loop.
int f(int n) {
  int *keep[8];
  for (int i = 0; i < n; i++) {
    int y = i;
    keep[i] = &y;
  }
  return *keep[0];
}
// CHECK: {{^}}{{.*}}loop-array.c:6:9: moved to heap: y{{$}}
