/* SPDX-License-Identifier: MIT */
/*
 * bench/programs/larson.c -- after Larson and Krishnan's server: threads come and go, blocks stay
 *
 * Each replaces blocks of a set, at random and of random sizes; the next generation of threads
 * goes on with the sets, each with another's.  So most blocks are freed by a thread that has not
 * allocated them.
 */
#include "programs.h"

enum { THREADS_MOST = 64, BLOCKS = 1000, LEAST = 16, SIZES = 497 };

static char **set[THREADS_MOST];
static uint64_t state[THREADS_MOST], sums[THREADS_MOST];
static long threads, rounds, generation;

static void serve(long id) {
  char **block = set[(id + generation) % threads];
  uint64_t seed = state[id], sum = 0;
  for (long i = 0; i < rounds; i++) {
    uint64_t r = next_random(&seed);
    char **at = &block[r % BLOCKS], *old = *at;
    if (old) sum += (unsigned char)*old;
    drop(old);
    size_t bytes = LEAST + (r >> 20) % SIZES;
    char *new = make_bytes(bytes);
    new[0] = (char)(r >> 40);
    new[bytes - 1] = 1;
    *at = new;
  }
  state[id] = seed;
  sums[id] += sum;
}

int main(int argc, char **argv) {
  long generations = number(argc, argv, 2, 20);
  threads = number(argc, argv, 1, 8);
  rounds = number(argc, argv, 3, 100000);
  for (long i = 0; i < threads; i++) {
    set[i] = make_array(char *, BLOCKS);
    state[i] = 21 + (uint64_t)i;
  }
  for (; generation < generations; generation++) run_all(threads, serve);
  uint64_t sum = 0;
  for (long i = 0; i < threads; i++) sum += sums[i];
  printf("sum %lu\n", sum);
}
