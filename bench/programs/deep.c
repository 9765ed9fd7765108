/* SPDX-License-Identifier: MIT */
/* bench/programs/deep.c -- short-lived goroutines that recurse deeply and allocate on the way */
#include "programs.h"

struct link {
  struct link *up;
  uint64_t n;
};

enum { GOROUTINES = 100 };
static long depth;
static uint64_t sums[GOROUTINES];

static uint64_t down(struct link *up, long more, uint64_t *state) {
  struct link *l = make(struct link);
  l->up = up;
  l->n = next_random(state) & 7;
  if (!more) {
    uint64_t sum = 0;
    for (; l; l = l->up) sum += l->n;
    return sum;
  }
  char pad[64];
  memset(pad, (int)(more & 63), sizeof pad);
  return down(l, more - 1, state) + (uint64_t)pad[more & 63] + l->n;
}

static void work(long i) {
  uint64_t state = 10 + (uint64_t)i;
  sums[i] += down(NULL, depth + i, &state);
}

int main(int argc, char **argv) {
  long rounds = number(argc, argv, 1, 20);
  depth = number(argc, argv, 2, 2000);
  for (long r = 0; r < rounds; r++) run_all(GOROUTINES, work);
  uint64_t sum = 0;
  for (int i = 0; i < GOROUTINES; i++) sum += sums[i];
  printf("sum %lu\n", sum);
}
