// SPDX-License-Identifier: MIT
// A variable from outside the loop is the same in all turns.
int f(int n) {
  int x = 0, *p = 0;
  for (int i = 0; i < n; i++) {
    p = &x;
    ++*p;
  }
  return x;
}
// Nothing to report.
