/* SPDX-License-Identifier: MIT */
/*
 * bench/binary_trees/bdwgc.c -- the work of mallow.c on bdwgc, one thread
 *
 * bdwgc is at its best with one thread here: its allocation lock and its stop
 * of all threads make a thread a depth slower.
 */
#include "bench.h"

#include <gc.h>

enum { MIN_DEPTH = 4 };

typedef struct node {
  struct node *left, *right;
} node;

static node *grow(int depth) {
  node *n = GC_MALLOC(sizeof *n);
  if (depth > 0) {
    n->left = grow(depth - 1);
    n->right = grow(depth - 1);
  }
  return n;
}

static int count(const node *n) {
  return n->left ? 1 + count(n->left) + count(n->right) : 1;
}

int main(int argc, char **argv) {
  GC_INIT();
  int max_depth = (int)bench_arg(argc, argv, 1, 19);
  if (max_depth < MIN_DEPTH + 2) max_depth = MIN_DEPTH + 2;

  printf("stretch tree of depth %d\t check: %d\n", max_depth + 1, count(grow(max_depth + 1)));
  node *long_lived = grow(max_depth);
  for (int depth = MIN_DEPTH; depth <= max_depth; depth += 2) {
    int trees = 1 << (max_depth - depth + MIN_DEPTH), nodes = 0;
    for (int i = 0; i < trees; i++) nodes += count(grow(depth));
    printf("%d\t trees of depth %d\t check: %d\n", trees, depth, nodes);
  }
  printf("long lived tree of depth %d\t check: %d\n", max_depth, count(long_lived));
  return 0;
}
