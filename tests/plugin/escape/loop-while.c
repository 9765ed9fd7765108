// SPDX-License-Identifier: MIT
// The same in a while loop.
int *g;
void f(int n) {
  while (n--) {
    int y = n;
    g = &y;
  }
}
// CHECK: {{^}}{{.*}}loop-while.c:6:9: moved to heap: y{{$}}
