// SPDX-License-Identifier: MIT
// A value that is returned does not move its variable.
int f(void) {
  int x = 1;
  int *p = &x;
  return *p;
}
// Nothing to report.
