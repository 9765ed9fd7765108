/* SPDX-License-Identifier: MIT */
/* tests/escape/gdb_linked.h -- what gdb_linked_a.c calls of gdb_linked_b.c */
struct point {
  long x, y;
  const char *name;
};
void stop(void);
void fill(int *p, int n);
void move(struct point *p, long by);
void keep(int *p);
int *get(void);
