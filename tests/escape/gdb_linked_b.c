/* SPDX-License-Identifier: MIT */
/* tests/escape/gdb_linked_b.c -- what becomes of gdb_linked_a.c's addresses */
#include "gdb_linked.h"

static int *kept;

void fill(int *p, int n) {
  *p += n;
}
void move(struct point *p, long by) {
  p->x *= 2;
  p->y += by;
}
void keep(int *p) {
  kept = p;
}
int *get(void) {
  return kept;
}
