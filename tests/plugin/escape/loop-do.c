// SPDX-License-Identifier: MIT
// The same in a do loop.
int *g;
void f(int n) {
  do {
    int y = n;
    g = &y;
  } while (n--);
}
// CHECK: {{^}}{{.*}}loop-do.c:6:9: moved to heap: y{{$}}
