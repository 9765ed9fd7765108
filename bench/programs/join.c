/* SPDX-License-Identifier: MIT */
/* bench/programs/join.c -- a hash join: rows of one table with those of another, over and over */
#include "programs.h"

struct row {
  struct row *same; /* in the bucket */
  uint64_t key, payload;
};
struct result {
  struct result *next;
  const struct row *left, *right;
};

static uint64_t join(uint64_t *state, long rows) {
  uint64_t mask = 1, sum = 0;
  while (mask < (uint64_t)rows) mask *= 2;
  struct row **table = make_array(struct row *, mask);
  mask--;
  for (long i = 0; i < rows; i++) {
    uint64_t r = next_random(state);
    struct row *x = make(struct row);
    x->key = r % (uint64_t)rows;
    x->payload = r >> 32;
    x->same = table[x->key & mask];
    table[x->key & mask] = x;
  }
  struct result *results = NULL;
  struct row *right = make_array(struct row, (size_t)rows);
  for (long i = 0; i < rows; i++) {
    uint64_t r = next_random(state);
    right[i].key = r % (uint64_t)rows;
    right[i].payload = r >> 32;
    for (const struct row *x = table[right[i].key & mask]; x; x = x->same) {
      if (x->key != right[i].key) continue;
      struct result *y = make(struct result);
      *y = (struct result){results, x, &right[i]};
      results = y;
    }
  }
  for (const struct result *y = results; y; y = y->next)
    sum += y->left->payload ^ y->right->payload;
#ifdef MALLOC
  for (struct result *y = results, *next; y; y = next) {
    next = y->next;
    free(y);
  }
  for (uint64_t i = 0; i <= mask; i++)
    for (struct row *x = table[i], *next; x; x = next) {
      next = x->same;
      free(x);
    }
  free(right);
  free(table);
#endif
  return sum;
}

int main(int argc, char **argv) {
  long rows = number(argc, argv, 1, 50000), times = number(argc, argv, 2, 40);
  uint64_t state = 21, sum = 0;
  for (long i = 0; i < times; i++) sum += join(&state, rows);
  printf("sum %lu\n", sum);
}
