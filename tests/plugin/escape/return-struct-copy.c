// SPDX-License-Identifier: MIT
// A struct returned by value is copied.
struct s {
  int a, b;
};
struct s f(void) {
  struct s x = {1, 2};
  struct s *p = &x;
  return *p;
}
// Nothing to report.
