/* SPDX-License-Identifier: MIT */
/* escape/library.c -- one function keeps what it is given, one does not */
static const int *largest;

int sum(const int *a, int n) {
  int s = 0;
  for (int i = 0; i < n; i++) s += a[i];
  return s;
}
const int *keep_larger(const int *p) {
  if (!largest || *p > *largest) largest = p;
  return largest;
}
