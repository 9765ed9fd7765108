// SPDX-License-Identifier: MIT
// sizeof does not take the address.
unsigned long f(void) {
  int x = 1;
  return sizeof(&x) + (unsigned long)x;
}
// Nothing to report.
