/* SPDX-License-Identifier: MIT */
/* escape/interface.c -- a call through a table of function pointers */
#include <mallow.h>
#include <stdio.h>

struct shape {
  double w, h;
};
struct methods {
  double (*area)(const struct shape *);
};

static double rectangle(const struct shape *s) {
  return s->w * s->h;
}
static double triangle(const struct shape *s) {
  return s->w * s->h / 2;
}
const struct methods kinds[] = {{rectangle}, {triangle}};

int main(int argc, char **argv) {
  (void)argv;
  struct shape known = {3, 4}, unknown = {5, 6};
  printf("%.0f\n", rectangle(&known));              /* the callee is known */
  printf("%.0f\n", kinds[argc % 2].area(&unknown)); /* any function could be in the table */
}
