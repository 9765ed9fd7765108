// SPDX-License-Identifier: MIT
// A pure function cannot keep it.
int other(const int *p) __attribute__((pure));
int f(void) {
  int x = 1;
  return other(&x);
}
// Nothing to report.
