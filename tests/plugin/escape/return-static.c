// SPDX-License-Identifier: MIT
// A static variable is not on the stack.
int *f(void) {
  static int x;
  return &x;
}
// Nothing to report.
