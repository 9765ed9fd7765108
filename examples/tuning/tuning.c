/* SPDX-License-Identifier: MIT */
/*
 * examples/tuning/tuning.c -- a program to be tuned from outside
 *
 *     tuning [LIVE_MB [GARBAGE_MB]]
 *
 * A cache of LIVE_MB (32): entries with a key, a value and a link, in a table of
 * chains.  Requests replace entries until GARBAGE_MB (192) have been allocated.
 * Nothing here knows of GOGC or GOMEMLIMIT; sweep.sh sets them and reads what is
 * printed: the most memory that the runtime held, the collections, and the CPU
 * time of the requests.
 */
#include <mallow.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct entry {
  struct entry *next;
  char *value;
  uint64_t key;
} entry;

enum { VALUE = 104, ENTRY = 24 + VALUE }; /* bytes, in the heap's size classes about as many */

static entry **table;
static size_t nchains;

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
  return x ^ x >> 29;
}

/* A new entry in front; of a chain of more than two the rest is dropped. */
static void put(uint64_t key) {
  entry **chain = &table[mix(key) % nchains];
  entry *e = mw_new(entry);
  e->key = key;
  e->value = mw_alloc_noscan(VALUE);
  snprintf(e->value, VALUE, "value of %llu", (unsigned long long)key);
  e->next = *chain;
  *chain = e;
  if (e->next && e->next->next) e->next->next->next = NULL;
}

static size_t held(void) {
  static mw_mem_stats s;
  mw_read_mem_stats(&s);
  return s.sys - s.heap_released;
}

static double cpu_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  size_t live = (argc > 1 ? strtoul(argv[1], NULL, 10) : 32) << 20;
  size_t garbage = (argc > 2 ? strtoul(argv[2], NULL, 10) : 192) << 20;
  nchains = live / ENTRY / 3 + 1; /* three entries each, once it is full */
  table = mw_make(entry *, nchains);
  size_t most = 0;
  uint64_t key = 0;
  while (key < live / ENTRY * 2) put(key++);
  double start = cpu_ms();
  for (size_t n = garbage / ENTRY; n > 0; n--) {
    put(key++);
    size_t now = n % 4096 ? 0 : held();
    if (now > most) most = now;
  }
  static mw_mem_stats s;
  mw_read_mem_stats(&s);
  printf("%zu MB, %u collections, %.0f ms of CPU\n", most >> 20, s.num_gc, cpu_ms() - start);
  return 0;
}
