// SPDX-License-Identifier: MIT
// clang's attribute promises it.
void other(int *p __attribute__((noescape)));
void f(void) {
  int x = 1;
  other(&x);
}
// Nothing to report.
