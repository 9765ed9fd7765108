/* SPDX-License-Identifier: MIT */
/* bench/programs/lru.c -- a cache that forgets what was used longest ago: hash table and list */
#include "programs.h"

struct entry {
  struct entry *chain;         /* in the bucket */
  struct entry *newer, *older; /* by use */
  uint64_t key;
  char *value;
};

static struct entry **buckets, *newest, *oldest;
static uint64_t mask;

static struct entry **find(uint64_t key) {
  struct entry **at = &buckets[key * 0x9e3779b97f4a7c15u >> 20 & mask];
  while (*at && (*at)->key != key) at = &(*at)->chain;
  return at;
}

static void unlink_used(struct entry *e) {
  *(e->newer ? &e->newer->older : &newest) = e->older;
  *(e->older ? &e->older->newer : &oldest) = e->newer;
}

static void link_used(struct entry *e) {
  e->newer = NULL;
  e->older = newest;
  *(newest ? &newest->newer : &oldest) = e;
  newest = e;
}

static void forget_oldest(void) {
  struct entry *e = oldest;
  *find(e->key) = e->chain;
  unlink_used(e);
  drop(e->value);
  drop(e);
}

int main(int argc, char **argv) {
  long capacity = number(argc, argv, 1, 100000), requests = number(argc, argv, 2, 2000000);
  uint64_t state = 1, hits = 0, sum = 0;
  for (mask = 1; mask < (uint64_t)capacity; mask *= 2) continue;
  buckets = make_array(struct entry *, mask--);
  long held = 0;
  for (long i = 0; i < requests; i++) {
    uint64_t r = next_random(&state);
    uint64_t key = (r & 3 ? r >> 8 & 0xffff : r >> 8 & 0xfffff); /* some are asked for often */
    struct entry **at = find(key), *e = *at;
    if (e) {
      hits++;
      unlink_used(e);
    } else {
      if (held == capacity)
        forget_oldest();
      else
        held++;
      e = make(struct entry);
      e->key = key;
      size_t bytes = 32 + (key & 127);
      e->value = make_bytes(bytes);
      e->value[31] = (char)key;
      at = find(key); /* its bucket may have changed */
      *at = e;
    }
    link_used(e);
    sum += (unsigned char)e->value[31];
  }
  printf("%lu hits, sum %lu\n", hits, sum);
}
