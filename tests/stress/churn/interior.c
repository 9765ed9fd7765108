/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/interior.c -- objects that only a pointer into them keeps
 *
 * From the heap and from globals: a pointer to any byte but the one past the
 * end.  From a stack: that one as well, because an optimised loop may hold
 * nothing else.
 */
#include "churn.h"

struct item {
  uint64_t value[4];
  struct item *other;
};

static void *inside_global; /* byte `offset` of an item */

static struct item *items_new(size_t n, uint64_t value) {
  struct item *items = mw_make(struct item, n);
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < 4; k++) items[i].value[k] = value + i;
  return items;
}

static void check(const struct item *items, size_t n, uint64_t value) {
  for (size_t i = 0; i < n; i++)
    for (int k = 0; k < 4; k++) CHECK(items[i].value[k] == value + i);
}

/* The stack holds nothing but the end of the array. */
__attribute__((noinline)) static struct item *end_of_array(size_t n, uint64_t value) {
  return items_new(n, value) + n;
}

/* Overwrite what earlier calls have left on the stack below. */
__attribute__((noinline)) static void scrub_stack(void) {
  volatile unsigned below[1024]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 1024; i++) below[i] = 0;
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 250);
  struct {
    void *inside;
  } *cell = mw_alloc(sizeof *cell);
  while (churn_round()) {
    static const size_t counts[] = {1, 3, 10, 50, 400, 6000}; /* 40 bytes to 240 KB */
    size_t n = counts[churn_below(6)];
    size_t offset = churn_below((uint32_t)(n * sizeof(struct item)));
    uint64_t value = churn_below(1000000);

    inside_global = (char *)items_new(n, value) + offset;
    cell->inside = (char *)items_new(n, value + 1) + offset;
    struct item *volatile end = end_of_array(n, value + 2);
    scrub_stack();
    churn_settle();
    churn_reuse(n * sizeof(struct item), 20);
    check((struct item *)((char *)inside_global - offset), n, value);
    check((struct item *)((char *)cell->inside - offset), n, value + 1);
    check(end - n, n, value + 2);

    /* A loop whose pointer runs to the end while collections go on. */
    struct item *run = items_new(n, value);
    uint64_t sum = 0;
    for (struct item *stop = run + n; run < stop; run++) {
      sum += run->value[0] - value;
      if (churn_below(1000) == 0) mw_yield();
    }
    CHECK(sum == n * (n - 1) / 2);
    inside_global = NULL;
  }
  return churn_end();
}
