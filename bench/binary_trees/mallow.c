/* SPDX-License-Identifier: MIT */
/*
 * bench/binary_trees/mallow.c -- binary-trees on mallow, one goroutine a depth
 *
 *     binary_trees-mallow [DEPTH]       (default 19)
 *
 * Job      Allocation and collection of small linked objects: many short-lived
 *          trees beside one long-lived tree.  The rules are those of the
 *          Computer Language Benchmarks Game; the other files of this folder
 *          do the same work and print the same lines.
 */
#include "bench.h"

#include <mallow.h>

enum { MIN_DEPTH = 4 };

typedef struct node {
  struct node *left, *right;
} node;

static node *grow(int depth) {
  node *n = mw_new(node);
  if (depth > 0) {
    n->left = grow(depth - 1);
    n->right = grow(depth - 1);
  }
  return n;
}

static int count(const node *n) {
  return n->left ? 1 + count(n->left) + count(n->right) : 1;
}

struct job {
  int depth, trees;
  const char *line;
  mw_waitgroup *done;
};

static void run(void *arg) {
  struct job *job = arg;
  int nodes = 0;
  for (int i = 0; i < job->trees; i++) nodes += count(grow(job->depth));
  job->line = mw_sprintf("%d\t trees of depth %d\t check: %d", job->trees, job->depth, nodes);
  mw_waitgroup_done(job->done);
}

int main(int argc, char **argv) {
  int max_depth = (int)bench_arg(argc, argv, 1, 19);
  if (max_depth < MIN_DEPTH + 2) max_depth = MIN_DEPTH + 2;

  printf("stretch tree of depth %d\t check: %d\n", max_depth + 1, count(grow(max_depth + 1)));
  node *long_lived = grow(max_depth);

  int njobs = (max_depth - MIN_DEPTH) / 2 + 1;
  struct job *jobs = mw_make(struct job, (size_t)njobs);
  mw_waitgroup *done = mw_new(mw_waitgroup);
  mw_waitgroup_add(done, njobs);
  for (int i = 0; i < njobs; i++) {
    jobs[i].depth = MIN_DEPTH + 2 * i;
    jobs[i].trees = 1 << (max_depth - jobs[i].depth + MIN_DEPTH);
    jobs[i].done = done;
    mw_go(run, &jobs[i]);
  }
  mw_waitgroup_wait(done);
  for (int i = 0; i < njobs; i++) puts(jobs[i].line);
  printf("long lived tree of depth %d\t check: %d\n", max_depth, count(long_lived));
  return 0;
}
