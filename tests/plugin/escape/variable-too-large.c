// SPDX-License-Identifier: MIT
// A variable larger than 128 KB.
int f(int i) {
  char a[131073];
  for (int k = 0; k < 131073; k++) a[k] = (char)k;
  return a[i];
}
// CHECK: {{^}}{{.*}}variable-too-large.c:4:8: moved to heap: a (too large for stack){{$}}
