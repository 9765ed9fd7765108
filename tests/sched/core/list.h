/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/list.h -- a list that knows what it holds
 *
 * list(n) has n nodes; each says which it is, twice, so a freed and reused one
 * shows in intact().
 */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <mallow.h>

typedef struct node {
  struct node *next;
  unsigned long value, check;
} node;

static inline node *list(unsigned long n) {
  node *head = NULL;
  for (unsigned long i = 0; i < n; i++) {
    node *x = mw_new(node);
    *x = (node){head, i, ~i};
    head = x;
  }
  return head;
}

static inline bool intact(const node *x, unsigned long n) {
  while (n-- > 0) {
    if (!x || x->value != n || x->check != ~n) return false;
    x = x->next;
  }
  return x == NULL;
}

#endif
