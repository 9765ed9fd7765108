/* SPDX-License-Identifier: MIT */
/* list.c -- the static library of the install test's project */
#include <mallow.h>
#include "list.h"

struct list *list_push(struct list *rest, long value) {
  struct list *l = mw_new(struct list);
  l->next = rest;
  l->value = value;
  return l;
}

long list_sum(const struct list *l) {
  long sum = 0;
  for (; l != NULL; l = l->next) sum += l->value;
  return sum;
}
