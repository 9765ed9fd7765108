// SPDX-License-Identifier: MIT
// A memory operand is used, not kept.
int f(void) {
  int x = 1;
  __asm__ volatile("" : "+m"(x));
  return x;
}
// Nothing to report.
