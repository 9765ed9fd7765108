// SPDX-License-Identifier: MIT
// A struct with bit-fields.
struct s {
  unsigned a : 3, b : 5;
  int *p;
};
int f(void) {
  int x = 1;
  struct s s = {1, 2, &x};
  return *s.p + (int)s.b;
}
// Nothing to report.
