// SPDX-License-Identifier: MIT
// 128 KB are within the limit.
int f(int i) {
  char a[131072];
  for (int k = 0; k < 131072; k++) a[k] = (char)k;
  return a[i];
}
// Nothing to report.
