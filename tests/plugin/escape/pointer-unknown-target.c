// SPDX-License-Identifier: MIT
// Stored through a pointer to one of two variables.
int f(int c) {
  int x = 1;
  int *p = 0, *q = 0;
  int **r = c ? &p : &q;
  *r = &x;
  return *r == p;
}
// Nothing to report.
