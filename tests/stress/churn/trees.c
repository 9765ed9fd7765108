/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/trees.c -- treaps on several goroutines: rotations, splits, shared snapshots
 *
 * Half of the goroutines change their tree in place, half make a new path for
 * each change (a persistent tree) and keep some of the old roots.
 */
#include "churn.h"

struct tree {
  struct tree *left, *right;
  uint64_t key, priority;
  uint64_t check;
};

enum { GOROUTINES = 8, KEYS = 2048, SNAPSHOTS = 8 };

static mw_waitgroup *done;
static struct tree *snapshots[GOROUTINES][SNAPSHOTS];

static struct tree *tree_new(uint64_t key, uint64_t *random) {
  struct tree *t = mw_new(struct tree);
  t->key = key;
  t->priority = churn_next(random);
  t->check = key ^ t->priority;
  return t;
}

/* t, or a copy of it that may be changed. */
static struct tree *writable(struct tree *t, bool persistent) {
  if (!persistent) return t;
  struct tree *copy = mw_new(struct tree);
  *copy = *t;
  return copy;
}

static void split(struct tree *t, uint64_t key, struct tree **low, struct tree **high,
                  bool persistent) {
  if (!t) {
    *low = *high = NULL;
    return;
  }
  t = writable(t, persistent);
  if (t->key < key) {
    split(t->right, key, &t->right, high, persistent);
    *low = t;
  } else {
    split(t->left, key, low, &t->left, persistent);
    *high = t;
  }
}

static struct tree *join(struct tree *low, struct tree *high, bool persistent) {
  if (!low) return high;
  if (!high) return low;
  if (low->priority > high->priority) {
    low = writable(low, persistent);
    low->right = join(low->right, high, persistent);
    return low;
  }
  high = writable(high, persistent);
  high->left = join(low, high->left, persistent);
  return high;
}

static uint64_t check(const struct tree *t, uint64_t low, uint64_t high, unsigned char *present) {
  if (!t) return 0;
  CHECK(t->check == (t->key ^ t->priority));
  CHECK(low <= t->key && t->key < high);
  CHECK(!present || present[t->key]);
  return 1 + check(t->left, low, t->key, present) + check(t->right, t->key + 1, high, present);
}

static void work(void *arg) {
  uint64_t me = (uint64_t)(uintptr_t)arg, random = churn_seed + me + 1;
  bool persistent = me & 1;
  unsigned char *present = mw_alloc_noscan(KEYS);
  struct tree *root = NULL;
  uint64_t size = 0;
  for (long round = 0; round < churn_rounds; round++) {
    for (int i = 0; i < 200; i++) {
      uint64_t key = (churn_next(&random) >> 33) % KEYS;
      struct tree *low, *mid, *high;
      split(root, key, &low, &mid, persistent);
      split(mid, key + 1, &mid, &high, persistent);
      CHECK((mid != NULL) == present[key]);
      present[key] = !present[key];
      mid = present[key] ? tree_new(key, &random) : NULL;
      size += present[key] ? 1 : (uint64_t)-1;
      root = join(join(low, mid, persistent), high, persistent);
    }
    CHECK(check(root, 0, KEYS, present) == size);
    if (persistent) {
      struct tree **kept = &snapshots[me][round % SNAPSHOTS];
      check(*kept, 0, KEYS, NULL);
      *kept = root;
    }
  }
  mw_waitgroup_done(done);
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 100);
  done = mw_new(mw_waitgroup);
  mw_waitgroup_add(done, GOROUTINES);
  for (uintptr_t i = 0; i < GOROUTINES; i++) mw_go(work, (void *)i);
  mw_waitgroup_wait(done);
  return churn_end();
}
