/* SPDX-License-Identifier: MIT */
/* tests/escape/linked_c.c -- called from linked_a.c and linked_b.c */
#include "linked.h"
void reads_far(struct item *p) {
  p->v += p->next != p;
  p->v--;
}
int looks(const struct item *p) {
  return (int)(p->next ? p->next->v : p->v);
}
void starts(struct item *p) {
  p->next = p;
}
void hands_on(struct item *p) {
  keeps(p);
}
void keeps_next(struct item *p) {
  keeps(p->next);
}
void turn_about(struct item *p, int n) {
  p->v += n;
  turn(p, n);
  p->v -= n;
}
void turn_keep_about(struct item *p, int n) {
  if (n > 1)
    turn_keep(p, n);
  else
    keeps(p);
}
