// SPDX-License-Identifier: MIT
// What is loaded from a global escapes nothing.
int *g;
int f(void) {
  int *p = g;
  return *p;
}
// Nothing to report.
