// SPDX-License-Identifier: MIT
// An address in a struct passed by value.
struct s {
  int *p;
  int *q;
};
int *g;
void f(struct s s) {
  g = s.p;
}
// Nothing to report.
