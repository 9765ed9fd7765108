/* SPDX-License-Identifier: MIT */
/* bench/programs/spread.c -- many goroutines allocate: small objects, a few kept for a while */
#include "programs.h"

struct item {
  struct item *next;
  uint64_t word[3];
};

static long rounds;
static uint64_t sums[64];

static void work(long id) {
  enum { KEPT = 256 };
  struct item **kept = make_array(struct item *, KEPT);
  uint64_t state = 11 + (uint64_t)id, sum = 0;
  for (long i = 0; i < rounds; i++) {
    uint64_t r = next_random(&state);
    struct item *x = make(struct item), **at = &kept[r % KEPT];
    x->word[0] = r;
    if (r & 0x300) {
      x->next = *at;
    } else {
      for (struct item *old = *at, *next; old; old = next) {
        next = old->next;
        sum += old->word[0];
        drop(old);
      }
    }
    *at = x;
  }
  sums[id] = sum;
}

int main(int argc, char **argv) {
  long n = number(argc, argv, 1, 32);
  rounds = number(argc, argv, 2, 400000);
  run_all(n, work);
  uint64_t sum = 0;
  for (long i = 0; i < n; i++) sum += sums[i];
  printf("sum %lu\n", sum);
}
