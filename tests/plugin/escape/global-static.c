// SPDX-License-Identifier: MIT
// Stored in a static variable of a function.
int *f(int c) {
  static int *keep;
  int x = 1;
  if (c) keep = &x;
  return keep;
}
// CHECK: {{^}}{{.*}}global-static.c:5:7: moved to heap: x{{$}}
