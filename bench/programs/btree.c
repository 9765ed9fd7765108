/* SPDX-License-Identifier: MIT */
/* bench/programs/btree.c -- a B-tree of numbers: insert, find, delete */
#include "programs.h"

enum { LEAST = 8, MOST = 2 * LEAST - 1 }; /* keys of a node, the root's least left out */

struct node {
  int n;
  bool leaf;
  uint64_t key[MOST];
  struct node *kid[MOST + 1];
};

static struct node *root;

static struct node *new_node(bool leaf) {
  struct node *x = make(struct node);
  x->leaf = leaf;
  return x;
}

/* The first place whose key is not below. */
static int place(const struct node *x, uint64_t key) {
  int i = 0;
  while (i < x->n && x->key[i] < key) i++;
  return i;
}

static void open_gap(struct node *x, int i, uint64_t key, struct node *right) {
  memmove(&x->key[i + 1], &x->key[i], sizeof x->key[0] * (size_t)(x->n - i));
  memmove(&x->kid[i + 2], &x->kid[i + 1], sizeof x->kid[0] * (size_t)(x->n - i));
  x->key[i] = key;
  x->kid[i + 1] = right;
  x->n++;
}

static void close_gap(struct node *x, int i) {
  x->n--;
  memmove(&x->key[i], &x->key[i + 1], sizeof x->key[0] * (size_t)(x->n - i));
  memmove(&x->kid[i + 1], &x->kid[i + 2], sizeof x->kid[0] * (size_t)(x->n - i));
  x->kid[x->n + 1] = NULL;
}

static void split(struct node *x, int i) {
  struct node *left = x->kid[i], *right = new_node(left->leaf);
  right->n = LEAST - 1;
  memcpy(right->key, &left->key[LEAST], sizeof right->key[0] * (LEAST - 1));
  memcpy(right->kid, &left->kid[LEAST], sizeof right->kid[0] * LEAST);
  memset(&left->kid[LEAST], 0, sizeof left->kid[0] * LEAST);
  left->n = LEAST - 1;
  open_gap(x, i, left->key[LEAST - 1], right);
}

static void insert(uint64_t key) {
  if (root->n == MOST) {
    struct node *above = new_node(false);
    above->kid[0] = root;
    root = above;
    split(above, 0);
  }
  for (struct node *x = root;;) {
    int i = place(x, key);
    if (i < x->n && x->key[i] == key) return;
    if (x->leaf) {
      open_gap(x, i, key, NULL);
      return;
    }
    if (x->kid[i]->n == MOST) {
      split(x, i);
      if (x->key[i] == key) return;
      if (x->key[i] < key) i++;
    }
    x = x->kid[i];
  }
}

static void merge(struct node *x, int i) {
  struct node *left = x->kid[i], *right = x->kid[i + 1];
  left->key[left->n] = x->key[i];
  memcpy(&left->key[left->n + 1], right->key, sizeof right->key[0] * (size_t)right->n);
  memcpy(&left->kid[left->n + 1], right->kid, sizeof right->kid[0] * (size_t)(right->n + 1));
  left->n += right->n + 1;
  close_gap(x, i);
  drop(right);
}

/* Kid i gets a key more than the least; returns where it is then. */
static int fill(struct node *x, int i) {
  struct node *kid = x->kid[i];
  if (kid->n >= LEAST) return i;
  if (i > 0 && x->kid[i - 1]->n >= LEAST) {
    struct node *left = x->kid[i - 1];
    memmove(&kid->key[1], &kid->key[0], sizeof kid->key[0] * (size_t)kid->n);
    memmove(&kid->kid[1], &kid->kid[0], sizeof kid->kid[0] * (size_t)(kid->n + 1));
    kid->key[0] = x->key[i - 1];
    kid->kid[0] = left->kid[left->n];
    kid->n++;
    x->key[i - 1] = left->key[left->n - 1];
    left->kid[left->n--] = NULL;
    return i;
  }
  if (i < x->n && x->kid[i + 1]->n >= LEAST) {
    struct node *right = x->kid[i + 1];
    kid->key[kid->n++] = x->key[i];
    kid->kid[kid->n] = right->kid[0];
    x->key[i] = right->key[0];
    right->kid[0] = right->kid[1];
    close_gap(right, 0);
    return i;
  }
  if (i == x->n) i--;
  merge(x, i);
  return i;
}

static void delete(struct node *x, uint64_t key) {
  for (;;) {
    int i = place(x, key);
    bool here = i < x->n && x->key[i] == key;
    if (x->leaf) {
      if (here) close_gap(x, i);
      return;
    }
    if (here && x->kid[i]->n >= LEAST) { /* the one before takes its place */
      struct node *y = x->kid[i];
      while (!y->leaf) y = y->kid[y->n];
      key = x->key[i] = y->key[y->n - 1];
      x = x->kid[i];
    } else if (here && x->kid[i + 1]->n >= LEAST) {
      struct node *y = x->kid[i + 1];
      while (!y->leaf) y = y->kid[0];
      key = x->key[i] = y->key[0];
      x = x->kid[i + 1];
    } else if (here) {
      merge(x, i);
      x = x->kid[i];
    } else {
      x = x->kid[fill(x, i)];
    }
  }
}

static void delete_key(uint64_t key) {
  struct node *old = root;
  delete (root, key);
  if (old->n || old->leaf) return;
  root = old->kid[0];
  drop(old);
}

static uint64_t sum(const struct node *x) {
  uint64_t s = 0;
  for (int i = 0; i < x->n; i++) s += x->key[i];
  for (int i = 0; !x->leaf && i <= x->n; i++) s += sum(x->kid[i]);
  return s;
}

int main(int argc, char **argv) {
  long held = number(argc, argv, 1, 200000), turns = number(argc, argv, 2, 1000000);
  uint64_t in = 3, out = 3; /* the same numbers, some time later */
  root = new_node(true);
  for (long i = 0; i < held; i++) insert(next_random(&in) >> 8);
  for (long i = 0; i < turns; i++) {
    insert(next_random(&in) >> 8);
    delete_key(next_random(&out) >> 8);
  }
  printf("sum %lu\n", sum(root));
}
