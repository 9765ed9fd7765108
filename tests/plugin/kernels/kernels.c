// SPDX-License-Identifier: MIT
/*
 * kernels.c -- small loops that chase and store pointers, timed
 *
 * Prints, for each kernel, the shortest of ROUNDS rounds in microseconds.
 * measure.sh compiles it with clang and with mallow and compares.  The memory
 * is malloc's: what is measured is compiled code, not the collector.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 25, NODES = 20000 };

typedef struct node {
  struct node *l, *r;
  long key;
} node;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static unsigned seed = 1;
static long next_key(void) {
  return (seed = seed * 1664525 + 1013904223) >> 8;
}

__attribute__((noinline)) static long chase(node *n, long turns) {
  long sum = 0;
  while (turns--) {
    sum += n->key;
    n = n->l;
  }
  return sum;
}

__attribute__((noinline)) static node *reverse(node *n) {
  node *p = NULL;
  while (n) {
    node *t = n->l;
    n->l = p;
    p = n;
    n = t;
  }
  return p;
}

__attribute__((noinline)) static void insert(node **at, node *n) {
  while (*at) at = n->key < (*at)->key ? &(*at)->l : &(*at)->r;
  *at = n;
}

__attribute__((noinline)) static long find(node *n, long key) {
  while (n && n->key != key) n = key < n->key ? n->l : n->r;
  return n != NULL;
}

__attribute__((noinline)) static long sum(node *n) {
  return n ? n->key + sum(n->l) + sum(n->r) : 0;
}

static node list[NODES], tree[NODES];
static long sink;

static void link_list(int circular) {
  for (int i = 0; i < NODES; i++) list[i].l = &list[(i + 1) % NODES];
  if (!circular) list[NODES - 1].l = NULL;
}

static node *build_tree(void) {
  node *root = NULL;
  seed = 7;
  for (int i = 0; i < NODES; i++) {
    tree[i] = (node){.key = next_key()};
    insert(&root, &tree[i]);
  }
  return root;
}

enum { CHASE, REVERSE, INSERT, FIND, SUM, KERNELS };
static const char *const names[KERNELS] = {"chase", "reverse", "insert", "find", "sum"};

static double run(int kernel) {
  static node *root;
  node *head = list;
  link_list(kernel == CHASE);
  if (!root) root = build_tree();
  double start = now();
  switch (kernel) {
  case CHASE:
    sink += chase(list, 2000000);
    break;
  case REVERSE:
    for (int i = 0; i < 100; i++) head = reverse(head);
    break;
  case INSERT:
    root = build_tree();
    break;
  case FIND:
    for (int i = 0; i < 100000; i++) sink += find(root, next_key());
    break;
  default:
    for (int i = 0; i < 20; i++) sink += sum(root);
  }
  return now() - start;
}

int main(void) {
  for (int k = 0; k < KERNELS; k++) {
    double best = run(k);
    for (int i = 1; i < ROUNDS; i++) {
      double t = run(k);
      if (t < best) best = t;
    }
    printf("%s %.1f\n", names[k], best);
  }
  return sink == 1;
}
