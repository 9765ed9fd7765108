// SPDX-License-Identifier: MIT
// Kept in a variable from outside the loop.
int f(int n) {
  int *keep = 0;
  for (int i = 0; i < n; i++) {
    int y = i;
    if (i == 2) keep = &y;
  }
  return keep ? *keep : 0;
}
// O0: {{^}}{{.*}}loop-kept.c:6:9: moved to heap: y{{$}}
// O1: {{^}}{{.*}}loop-kept.c:6:9: moved to heap: y{{$}}
