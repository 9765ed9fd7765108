// SPDX-License-Identifier: MIT
// The block's variable stays while its frame does.
int f(void) {
  int *p;
  {
    int y = 3;
    p = &y;
  }
  return *p;
}
// Nothing to report.
