/* SPDX-License-Identifier: MIT */
/*
 * bench/programs/latency.c -- requests that change a large map: how long is the slowest?
 *
 * Two goroutines, a half of the keys each.  A request replaces sixteen values.
 */
#include "programs.h"

enum { WORKERS = 2, KEYS = 16 };

struct value {
  struct value *before; /* the value that it replaced, until that is replaced */
  uint64_t word[5];
};
struct slot {
  uint64_t key;
  struct value *value;
};

static struct slot *slots;
static uint64_t nslots, requests;
static uint32_t *took[WORKERS]; /* ns */

static struct slot *find(uint64_t key) {
  uint64_t i = key * 0x9e3779b97f4a7c15u % nslots;
  while (slots[i].value && slots[i].key != key) i = i + 1 == nslots ? 0 : i + 1;
  return &slots[i];
}

static void set(uint64_t key, uint64_t word) {
  struct value *v = make(struct value);
  struct slot *s = find(key);
  for (int i = 0; i < 5; i++) v->word[i] = word;
  v->before = s->value;
  if (v->before) {
    drop(v->before->before);
    v->before->before = NULL;
  }
  s->key = key;
  s->value = v;
}

static void serve(long worker) {
  uint64_t state = 9 + (uint64_t)worker;
  for (uint64_t i = 0; i < requests; i++) {
    int64_t start = now_ns();
    for (int k = 0; k < KEYS; k++) {
      uint64_t r = next_random(&state);
      set(1 + (uint64_t)worker + r % (nslots / 4) * WORKERS, r);
    }
    took[worker][i] = (uint32_t)(now_ns() - start);
  }
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  uint64_t mb = (uint64_t)number(argc, argv, 1, 256);
  requests = (uint64_t)number(argc, argv, 2, 100000);
  nslots = mb * 1048576 / (2 * sizeof(struct slot) + 2 * sizeof(struct value)) * 2;
  slots = make_array(struct slot, nslots);
  for (uint64_t k = 0; k < nslots / 4 * WORKERS; k++) set(1 + k, k);
  uint64_t n = requests * WORKERS;
  uint32_t *all = malloc(n * sizeof *all);
  for (int i = 0; i < WORKERS; i++) took[i] = all + (uint64_t)i * requests;
  run_all(WORKERS, serve);
  qsort(all, n, sizeof *all, by_size);
  fprintf(stderr, "us p50 %.1f p99 %.1f p99.9 %.1f max %.1f\n", all[n / 2] / 1e3,
          all[n / 100 * 99] / 1e3, all[n / 1000 * 999] / 1e3, all[n - 1] / 1e3);
  uint64_t sum = 0;
  for (uint64_t i = 0; i < nslots; i++) sum += slots[i].value ? slots[i].value->word[4] : 0;
  printf("sum %lu\n", sum);
}
