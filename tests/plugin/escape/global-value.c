// SPDX-License-Identifier: MIT
// The value is stored, not the address.
int g;
void f(void) {
  int x = 1;
  int *p = &x;
  g = *p;
}
// Nothing to report.
