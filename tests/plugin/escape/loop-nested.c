// SPDX-License-Identifier: MIT
// Kept by the inner loop, not by the outer.
int f(int n) {
  int s = 0;
  for (int i = 0; i < n; i++) {
    int *k[4];
    for (int j = 0; j < 4; j++) {
      int y = j;
      k[j] = &y;
    }
    s += *k[1];
  }
  return s;
}
// O0: {{^}}{{.*}}loop-nested.c:8:11: moved to heap: y{{$}}
// O1: {{^}}{{.*}}loop-nested.c:8:11: moved to heap: y{{$}}
