/* SPDX-License-Identifier: MIT */
/*
 * bench/pause/bdwgc.c -- the work of mallow.c on bdwgc
 *
 * Its default mode marks inside the stop, so a cycle has one stop, from before
 * the threads are stopped until they run again.
 */
#include "bench.h"

#include <gc.h>

enum { TREE_DEPTH = 16, TREE_MB = 4 };

typedef struct node {
  struct node *left, *right;
  uint64_t key, value;
} node;

static int64_t stopped_ns, longest_ns, total_ns;
static unsigned cycles;

static void on_event(GC_EventType event) {
  if (event == GC_EVENT_PRE_STOP_WORLD) stopped_ns = bench_now_ns();
  if (event == GC_EVENT_POST_START_WORLD) {
    int64_t stop_ns = bench_now_ns() - stopped_ns;
    if (stop_ns > longest_ns) longest_ns = stop_ns;
    total_ns += stop_ns;
    cycles++;
  }
}

static node *grow(int depth, uint64_t key) {
  node *n = GC_MALLOC(sizeof *n);
  n->key = key;
  if (depth > 0) {
    n->left = grow(depth - 1, 2 * key);
    n->right = grow(depth - 1, 2 * key + 1);
  }
  return n;
}

int main(int argc, char **argv) {
  GC_INIT();
  GC_set_on_collection_event(on_event);
  size_t ntrees = (size_t)bench_arg(argc, argv, 1, 256) / TREE_MB;
  size_t replaced = (size_t)bench_arg(argc, argv, 2, 400);
  if (ntrees < 1) ntrees = 1;
  int64_t *samples_ns = malloc(replaced * sizeof *samples_ns);
  if (!samples_ns) return 1;

  int64_t start_ns = bench_now_ns();
  node **trees = GC_MALLOC(ntrees * sizeof *trees);
  for (size_t i = 0; i < ntrees; i++) trees[i] = grow(TREE_DEPTH, 1);
  printf("build_s %.3f\n", (double)(bench_now_ns() - start_ns) / 1e9);

  uint64_t state = 88172645463325252u;
  for (size_t i = 0; i < replaced; i++) {
    int64_t before_ns = bench_now_ns();
    trees[bench_random(&state) % ntrees] = grow(TREE_DEPTH, 1);
    samples_ns[i] = bench_now_ns() - before_ns;
  }
  printf("stop_ms longest_cycle %.3f longest_stop %.3f total %.3f cycles %u\n",
         (double)longest_ns / 1e6, (double)longest_ns / 1e6, (double)total_ns / 1e6, cycles);
  bench_print_utilisation(samples_ns, replaced);
  bench_print_latency("replace", samples_ns, replaced);
  printf("heap_mb %.0f\n", (double)GC_get_heap_size() / 1048576);
  GC_reachable_here(trees);
  free(samples_ns);
  return 0;
}
