/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/lists.c -- linked lists: push, reverse, splice, sort, unlink
 *
 * Every operation rewrites links of a list that the collector is marking; a
 * long list is also what it can least mark in parallel.
 */
#include "churn.h"

struct item {
  struct item *next, *prev;
  uint64_t value, check;
};

enum { LENGTH = 3000 };

static struct item *list; /* doubly linked, ends in NULL */

static struct item *item_new(uint64_t value) {
  struct item *item = mw_new(struct item);
  CHECK(!item->next && !item->prev && !item->value);
  item->value = value;
  item->check = ~value;
  return item;
}

static void push(struct item *item) {
  item->next = list;
  item->prev = NULL;
  if (list) list->prev = item;
  list = item;
}

static void unlink_item(struct item *item) {
  if (item->prev)
    item->prev->next = item->next;
  else
    list = item->next;
  if (item->next) item->next->prev = item->prev;
}

static void reverse(void) {
  struct item *done = NULL;
  while (list) {
    struct item *item = list;
    list = item->next;
    item->prev = item->next;
    item->next = done;
    done = item;
  }
  list = done;
  for (struct item *item = list, *prev = NULL; item; prev = item, item = item->next)
    item->prev = prev;
}

static struct item *merge(struct item *a, struct item *b) {
  struct item head = {0}, *last = &head;
  while (a && b) {
    struct item **least = a->value <= b->value ? &a : &b;
    last->next = *least;
    last = *least;
    *least = last->next;
  }
  last->next = a ? a : b;
  return head.next;
}

static struct item *sorted(struct item *item) {
  if (!item || !item->next) return item;
  struct item *slow = item;
  for (struct item *fast = item->next; fast && fast->next; fast = fast->next->next)
    slow = slow->next;
  struct item *half = slow->next;
  slow->next = NULL;
  return merge(sorted(item), sorted(half));
}

static void check(uint64_t length, uint64_t sum) {
  const struct item *prev = NULL;
  for (const struct item *item = list; item; prev = item, item = item->next) {
    CHECK(item->check == ~item->value);
    CHECK(item->prev == prev);
    length--;
    sum -= item->value;
  }
  CHECK(length == 0 && sum == 0);
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 500);
  uint64_t length = 0, sum = 0;
  while (churn_round()) {
    while (length < LENGTH) {
      uint64_t value = churn_below(1000000);
      push(item_new(value));
      length++;
      sum += value;
    }
    check(length, sum);
    reverse();
    check(length, sum);
    list = sorted(list);
    for (struct item *item = list, *prev = NULL; item; prev = item, item = item->next) {
      CHECK(!prev || prev->value <= item->value);
      item->prev = prev;
    }
    check(length, sum);
    for (struct item *item = list, *next; item; item = next) {
      next = item->next;
      if (churn_below(3)) continue;
      unlink_item(item);
      length--;
      sum -= item->value;
    }
    check(length, sum);
  }
  return churn_end();
}
