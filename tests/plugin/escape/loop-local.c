// SPDX-License-Identifier: MIT
// Used within its turn only.
int f(int n) {
  int s = 0;
  for (int i = 0; i < n; i++) {
    int y = i;
    int *p = &y;
    s += *p;
  }
  return s;
}
// Nothing to report.
