// SPDX-License-Identifier: MIT
// Multiplied: a hash is no address.
unsigned long f(void) {
  int x = 1;
  return (unsigned long)&x * 0x9e3779b97f4a7c15u;
}
// Nothing to report.
