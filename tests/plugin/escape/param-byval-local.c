// SPDX-License-Identifier: MIT
// The copy of a struct passed in memory stays.
struct s {
  long v[8];
};
long f(struct s s) {
  struct s *p = &s;
  return p->v[2];
}
// Nothing to report.
