/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/gcmalloc_packed.c -- with -fgc-malloc, pointers at addresses that are no multiples of 8
 *
 * In members of packed structs, which the compiler sees, and in a pool of the program's own that
 * deals out multiples of 4, which it is told (STEP: 1 for the first, 4 for the second).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))
#if STEP == 1
#define PACKED __attribute__((packed))
#else
#define PACKED
#endif
enum { LISTS = 64, LENGTH = 40, ROUNDS = 40 };

struct PACKED node {
  char tag;
  struct node *next;
  short number;
  char *text;
};

struct PACKED table {
  short n;
  struct node *lists[LISTS]; /* larger than a page, with what is behind it */
  char rest[4096];
  struct node *last;
};
#if STEP == 1
static struct table global;
static struct table *const tables[] = {&global, NULL};
#endif

/* Objects of a pool begin 4 bytes behind a multiple of 8 (STEP 4). */
static void *allocate(size_t bytes) {
#if STEP == 4
  char *p = malloc(bytes + 4);
  *(int *)p = (int)bytes;
  return p + 4;
#else
  return malloc(bytes);
#endif
}

static NOINLINE struct node *new_node(struct node *next, int number) {
  struct node *n = allocate(sizeof *n);
  char text[20];
  n->tag = 'n';
  n->next = next;
  n->number = (short)number;
  snprintf(text, sizeof text, "number %d", number);
  n->text = strdup(text);
  return n;
}

/* The nodes of a list are numbered from n down. */
static int wrong(const struct node *list, int n) {
  int bad = 0;
  char text[20];
  for (; list && !bad; list = list->next, n--) {
    snprintf(text, sizeof text, "number %d", n);
    bad = list->tag != 'n' || list->number != n || strcmp(list->text, text) != 0;
  }
  return bad || n != 0;
}

static NOINLINE void copy_bytes(void *to, const void *from, size_t n) {
  for (volatile char *d = to, *s = (volatile char *)(size_t)from; n; n--) *d++ = *s++;
}

static NOINLINE void wipe_bytes(void *to, size_t n) {
  for (volatile char *d = to; n; n--) *d++ = 0;
}

/* Each node moves to a new place, and the old one is wiped. */
static NOINLINE struct node *moved(struct node *list, bool bytes) {
  struct node *first = NULL, *last = NULL;
  while (list) {
    struct node *n = allocate(sizeof *n), *next;
    if (bytes)
      copy_bytes(n, list, sizeof *n);
    else
      memcpy(n, list, sizeof *n);
    next = list->next;
    if (bytes)
      wipe_bytes(list, sizeof *list);
    else
      memset(list, 0, sizeof *list);
    n->next = NULL;
    if (last)
      last->next = n;
    else
      first = n;
    last = n;
    list = next;
  }
  return first;
}

static int round_of(struct table *t) {
  int bad = 0;
  t->n = LISTS;
  memset(t->lists, 0, sizeof t->lists);
  for (int i = 1; i <= LENGTH; i++)
    for (int k = 0; k < t->n; k++) t->lists[k] = new_node(t->lists[k], i);
  t->last = new_node(NULL, 1);
  for (int k = 0; k < t->n; k++) t->lists[k] = moved(t->lists[k], k % 2);
  struct table *again = allocate(sizeof *again);
  memmove(again, t, sizeof *again);
  wipe_bytes(t, sizeof *t);
  for (int k = 0; k < LISTS; k++) bad += wrong(again->lists[k], LENGTH);
  return bad + wrong(again->last, 1);
}

int main(void) {
  int bad = 0;
  for (int r = 0; r < ROUNDS; r++) {
    bad += round_of(allocate(sizeof(struct table)));
#if STEP == 1
    bad += round_of(tables[0]);
#endif
  }
  printf("%d wrong\n", bad);
  return bad != 0;
}
