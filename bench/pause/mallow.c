/* SPDX-License-Identifier: MIT */
/*
 * bench/pause/mallow.c -- stops and hiccups with a large live heap, on mallow
 *
 *     pause-mallow [LIVE_MB] [REPLACED]      (defaults 256, 400)
 *
 * Job      Hold LIVE_MB of trees; REPLACED times build a new tree of 4 MB and
 *          put it in place of one chosen at random, which becomes garbage.
 *          Report the collector's stops, and how long each replacement took:
 *          that also shows what stops do not (assists, a busy processor).
 */
#include "bench.h"

#include <mallow.h>

enum { TREE_DEPTH = 16, TREE_MB = 4 };

typedef struct node {
  struct node *left, *right;
  uint64_t key, value;
} node;

static node *grow(int depth, uint64_t key) {
  node *n = mw_new(node);
  n->key = key;
  if (depth > 0) {
    n->left = grow(depth - 1, 2 * key);
    n->right = grow(depth - 1, 2 * key + 1);
  }
  return n;
}

int main(int argc, char **argv) {
  size_t ntrees = (size_t)bench_arg(argc, argv, 1, 256) / TREE_MB;
  size_t replaced = (size_t)bench_arg(argc, argv, 2, 400);
  if (ntrees < 1) ntrees = 1;
  int64_t *samples_ns = malloc(replaced * sizeof *samples_ns);
  if (!samples_ns) return 1;

  int64_t start_ns = bench_now_ns();
  node **trees = mw_make(node *, ntrees);
  for (size_t i = 0; i < ntrees; i++) trees[i] = grow(TREE_DEPTH, 1);
  printf("build_s %.3f\n", (double)(bench_now_ns() - start_ns) / 1e9);

  uint64_t state = 88172645463325252u;
  for (size_t i = 0; i < replaced; i++) {
    int64_t before_ns = bench_now_ns();
    trees[bench_random(&state) % ntrees] = grow(TREE_DEPTH, 1);
    samples_ns[i] = bench_now_ns() - before_ns;
  }

  mw_mem_stats *stats = mw_new(mw_mem_stats);
  mw_read_mem_stats(stats);
  int64_t most_ns = 0; /* of the cycles that the runtime remembers */
  for (size_t i = 0; i < sizeof stats->pause_ns / sizeof stats->pause_ns[0]; i++)
    if ((int64_t)stats->pause_ns[i] > most_ns) most_ns = (int64_t)stats->pause_ns[i];
  printf("stop_ms longest_cycle %.3f longest_stop %.3f total %.3f cycles %u\n",
         (double)most_ns / 1e6, (double)stats->max_pause_ns / 1e6,
         (double)stats->pause_total_ns / 1e6, stats->num_gc);
  bench_print_utilisation(samples_ns, replaced);
  bench_print_latency("replace", samples_ns, replaced);
  printf("heap_mb %.0f\n", (double)stats->heap_sys / 1048576);
  mw_keep_alive(trees);
  free(samples_ns);
  return 0;
}
