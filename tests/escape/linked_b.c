/* SPDX-License-Identifier: MIT */
/* tests/escape/linked_b.c -- called from linked_a.c */
#include "linked.h"
#include <stdarg.h>
struct item *list;
void reads(struct item *p) {
  reads_far(p);
}
void keeps(struct item *p) {
  p->next = list;
  list = p;
}
void starts_on(struct item *p) {
  starts(p);
}
struct item *gives(struct item *p) {
  return p;
}
struct item *gives_next(struct item *p) {
  return p->next;
}
void turn(struct item *p, int n) {
  if (n) turn_about(p, n - 1);
}
void turn_keep(struct item *p, int n) {
  if (n) turn_keep_about(p, n - 1);
}
void by_pointer(void (*fn)(struct item *), struct item *p) {
  fn(p);
}
void several(int n, ...) {
  va_list ap;
  va_start(ap, n);
  va_arg(ap, struct item *)->v += n - 1;
  va_end(ap);
}
void asks_outside(struct item *p) {
  outside(p);
}
long copied(struct wide w) {
  return w.v[0];
}
struct wide widened(struct item *p) {
  struct wide w = {{p->v}};
  return w;
}
__attribute__((weak)) void weak_one(struct item *p) {
  (void)p;
}
