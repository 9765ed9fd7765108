/* SPDX-License-Identifier: MIT */
/* tests/escape/linked.h -- what linked_a.c asks of linked_b.c and linked_c.c */
#include <stddef.h>
struct item {
  long v;
  struct item *next;
};
struct wide {
  long v[40];
};
extern struct item *list;
void reads(struct item *p); /* ... and what it calls: nothing is kept */
void reads_far(struct item *p);
void keeps(struct item *p);
void hands_on(struct item *p);           /* to keeps */
struct item *gives(struct item *p);      /* returns it */
struct item *gives_next(struct item *p); /* returns what it leads to */
void keeps_next(struct item *p);         /* what it leads to */
void turn(struct item *p, int n);        /* calls turn_about, and that calls turn */
void turn_about(struct item *p, int n);
void turn_keep(struct item *p, int n); /* the same, and keeps it in the end */
void turn_keep_about(struct item *p, int n);
void by_pointer(void (*fn)(struct item *), struct item *p);
void several(int n, ...);
long copied(struct wide w);
struct wide widened(struct item *p);
void outside(struct item *p); /* of linked_plain.c, which mallow does not compile */
void asks_outside(struct item *p);
void weak_one(struct item *p);
int looks(const struct item *p); /* ... and writes nothing */
void starts(struct item *p);     /* makes it a ring of one */
void starts_on(struct item *p);  /* calls starts */
