// SPDX-License-Identifier: MIT
// Three levels of pointers, the value used.
int f(void) {
  int x = 1;
  int *p = &x;
  int **q = &p;
  int ***r = &q;
  return ***r;
}
// Nothing to report.
