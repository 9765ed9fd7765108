/* SPDX-License-Identifier: MIT */
/* escape/table.c -- a hash table that grows past what the stack holds */
#include <mallow.h>
#include <stdio.h>

struct table {
  size_t room, used;
  long *keys;
};

static void insert(struct table *t, long key) {
  if (2 * (t->used + 1) > t->room) {
    struct table old = *t;
    t->room = old.room * 2;
    t->used = 0;
    t->keys = mw_make(long, t->room); /* kept through the pointer t */
    for (size_t i = 0; i < old.room; i++)
      if (old.keys[i]) insert(t, old.keys[i]);
  }
  size_t i = (size_t)key * 0x9e3779b97f4a7c15u % t->room;
  while (t->keys[i] && t->keys[i] != key) i = (i + 1) % t->room;
  if (!t->keys[i]) t->used++;
  t->keys[i] = key;
}

int main(void) {
  struct table t = {.room = 8, .keys = mw_make(long, 8)};
  for (long k = 1; k <= 1000; k++) insert(&t, k * k);
  printf("%zu of %zu\n", t.used, t.room);
}
