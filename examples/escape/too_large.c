/* SPDX-License-Identifier: MIT */
/* escape/too_large.c -- objects that are too large for a stack */
#include <mallow.h>
#include <stdio.h>

int main(void) {
  char *fits = mw_make(char, 64 * 1024);
  char *large = mw_make(char, 64 * 1024 + 1);
  char table[200 * 1024];
  for (int i = 0; i < 200 * 1024; i++) table[i] = (char)i;
  fits[7] = table[7];
  large[7] = fits[7];
  printf("%d\n", large[7]);
}
