// SPDX-License-Identifier: MIT
// Stored through a pointer to a variable of the frame.
int f(void) {
  int x = 1;
  int *p;
  int **q = &p;
  *q = &x;
  return *p;
}
// Nothing to report.
