// SPDX-License-Identifier: MIT
// A variable of the loop's body is kept: a fresh one in each turn.
int *g[8];
void f(int n) {
  for (int i = 0; i < n; i++) {
    int y = i;
    g[i] = &y;
  }
}
// CHECK: {{^}}{{.*}}loop-fresh.c:6:9: moved to heap: y{{$}}
