// SPDX-License-Identifier: MIT
// Code that clang leaves out itself does not count, at -O0 either.
int *g;
int f(void) {
  int x = 1;
  if (sizeof(int) == 3) g = &x;
  return x;
}
// Nothing to report.
