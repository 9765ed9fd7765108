/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/collects.c -- allocates enough for some cycles, and forces one
 */
#include <mallow.h>

struct node {
  struct node *next;
  char payload[1000];
};

static struct node *list;

int main(void) {
  for (int i = 0; i < 50000; i++) {
    struct node *n = mw_new(struct node);
    n->next = i % 16 ? list : NULL;
    list = n;
    if (i % 3) mw_new(struct node);
  }
  mw_gc();
  return 0;
}
