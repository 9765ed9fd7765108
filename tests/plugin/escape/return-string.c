// SPDX-License-Identifier: MIT
// A string literal is not on the stack.
const char *f(void) {
  const char *s = "text";
  return s;
}
// Nothing to report.
