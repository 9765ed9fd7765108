// SPDX-License-Identifier: MIT
// The difference of two pointers is a number.
long f(void) {
  int a[4] = {0};
  int *p = &a[3];
  return p - a;
}
// Nothing to report.
