// SPDX-License-Identifier: MIT
// On one path only.
int *f(int c) {
  int x = 1;
  if (c) return &x;
  return 0;
}
// CHECK: {{^}}{{.*}}return-one-path.c:4:7: moved to heap: x{{$}}
