/* SPDX-License-Identifier: MIT */
/* bench/programs/list.c -- a list of millions, kept while others come and go: marking one by one */
#include "programs.h"

struct link {
  struct link *next;
  uint64_t n;
};

static struct link *list_of(uint64_t n) {
  struct link *list = NULL;
  for (uint64_t i = 0; i < n; i++) {
    struct link *l = make(struct link);
    l->next = list;
    l->n = i;
    list = l;
  }
  return list;
}

static uint64_t sum(const struct link *l) {
  uint64_t s = 0;
  for (; l; l = l->next) s += l->n;
  return s;
}

static void drop_list(struct link *l) {
#ifdef MALLOC
  for (struct link *next; l; l = next) {
    next = l->next;
    drop(l);
  }
#endif
  (void)l;
}

int main(int argc, char **argv) {
  uint64_t length = (uint64_t)number(argc, argv, 1, 3000000), s = 0;
  struct link *kept = list_of(length);
  for (int i = 0; i < 100; i++) {
    struct link *l = list_of(length / 20);
    s += sum(l);
    drop_list(l);
  }
  printf("sums %lu %lu\n", s, sum(kept));
}
