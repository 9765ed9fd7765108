// SPDX-License-Identifier: MIT
// memset keeps nothing.
#include <string.h>
int f(int i) {
  int a[20];
  memset(a, 1, sizeof a);
  return a[i];
}
// Nothing to report.
