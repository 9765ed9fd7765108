// SPDX-License-Identifier: MIT
// Code that is never reached counts at -O0.
int *g;
int f(void) {
  int x = 1;
  if (sizeof(int) == 3) g = &x;
  return x;
}
// Nothing to report.
