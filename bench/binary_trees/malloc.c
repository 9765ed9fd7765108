/* SPDX-License-Identifier: MIT */
/*
 * bench/binary_trees/malloc.c -- the work of mallow.c with malloc and free,
 * one thread a depth: what a good manual allocator costs.  run.sh links it
 * with mimalloc.
 */
#include "bench.h"

#include <pthread.h>

enum { MIN_DEPTH = 4, MAX_JOBS = 32 };

typedef struct node {
  struct node *left, *right;
} node;

static node *grow(int depth) {
  node *n = malloc(sizeof *n);
  if (!n) abort();
  n->left = depth > 0 ? grow(depth - 1) : NULL;
  n->right = depth > 0 ? grow(depth - 1) : NULL;
  return n;
}

static int count(const node *n) {
  return n->left ? 1 + count(n->left) + count(n->right) : 1;
}

static void cut(node *n) {
  if (n->left) {
    cut(n->left);
    cut(n->right);
  }
  free(n);
}

static int count_and_cut(node *n) {
  int nodes = count(n);
  cut(n);
  return nodes;
}

struct job {
  int depth, trees, nodes;
  pthread_t thread;
};

static void *run(void *arg) {
  struct job *job = arg;
  for (int i = 0; i < job->trees; i++) job->nodes += count_and_cut(grow(job->depth));
  return NULL;
}

int main(int argc, char **argv) {
  int max_depth = (int)bench_arg(argc, argv, 1, 19);
  if (max_depth < MIN_DEPTH + 2) max_depth = MIN_DEPTH + 2;

  printf("stretch tree of depth %d\t check: %d\n", max_depth + 1,
         count_and_cut(grow(max_depth + 1)));
  node *long_lived = grow(max_depth);
  static struct job jobs[MAX_JOBS];
  int njobs = (max_depth - MIN_DEPTH) / 2 + 1;
  for (int i = 0; i < njobs; i++) {
    jobs[i].depth = MIN_DEPTH + 2 * i;
    jobs[i].trees = 1 << (max_depth - jobs[i].depth + MIN_DEPTH);
    if (pthread_create(&jobs[i].thread, NULL, run, &jobs[i]) != 0) abort();
  }
  for (int i = 0; i < njobs; i++) {
    pthread_join(jobs[i].thread, NULL);
    printf("%d\t trees of depth %d\t check: %d\n", jobs[i].trees, jobs[i].depth, jobs[i].nodes);
  }
  printf("long lived tree of depth %d\t check: %d\n", max_depth, count_and_cut(long_lived));
  return 0;
}
