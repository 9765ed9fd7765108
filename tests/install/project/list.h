/* SPDX-License-Identifier: MIT */
/* list.h -- a list of numbers on the collected heap; the static library */
#ifndef LIST_H
#define LIST_H

struct list {
  struct list *next;
  long value;
};

struct list *list_push(struct list *rest, long value);
long list_sum(const struct list *l);

#endif
