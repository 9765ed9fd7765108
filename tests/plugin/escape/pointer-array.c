// SPDX-License-Identifier: MIT
// An array of pointers of the frame.
int f(int i) {
  int x = 1, y = 2;
  int *a[2] = {&x, &y};
  return *a[i];
}
// Nothing to report.
