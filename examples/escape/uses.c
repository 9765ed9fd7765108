/* SPDX-License-Identifier: MIT */
/* escape/uses.c -- calls functions of another file */
#include <stdio.h>

int sum(const int *a, int n);
const int *keep_larger(const int *p);

int main(void) {
  int few[] = {1, 2, 3}, x = sum(few, 3);
  printf("%d\n", *keep_larger(&x));
}
