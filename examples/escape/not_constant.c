/* SPDX-License-Identifier: MIT */
/* escape/not_constant.c -- an array whose size is not constant */
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>

struct point {
  double x, y, z, t, u;
};

int main(int argc, char **argv) {
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 4;
  /* up to 32 bytes of it live in a buffer on the stack */
  int *small = mw_make(int, n);
  /* one alone is larger than that buffer */
  struct point *points = mw_make(struct point, n);
  small[n - 1] = 5;
  points[n - 1].x = 6;
  printf("%d %.0f\n", small[n - 1], points[n - 1].x);
}
