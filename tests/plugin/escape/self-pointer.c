// SPDX-License-Identifier: MIT
// A struct that points to itself.
struct s {
  struct s *self;
  int k;
};
int f(void) {
  struct s s;
  s.self = &s;
  s.k = 3;
  return s.self->k;
}
// Nothing to report.
