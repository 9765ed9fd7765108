// SPDX-License-Identifier: MIT
// An array of the outer turn, filled in the inner loop.
int f(int n) {
  int s = 0;
  for (int i = 0; i < n; i++) {
    int a[4];
    int *p = a;
    for (int j = 0; j < 4; j++) *p++ = j;
    s += a[2];
  }
  return s;
}
// Nothing to report.
