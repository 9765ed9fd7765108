/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/rehash.c -- an open-addressing hash table that rehashes through memcpy
 *
 * Tables are arrays of structs with a pointer each; a rehash copies the old
 * table aside by memcpy, clears it by memset, and puts the entries back.
 */
#include "churn.h"

struct entry {
  char *key; /* pointer-free object */
  uint64_t *count;
  uint64_t hash;
};

struct table {
  struct entry *entries;
  size_t size, used;
};

static uint64_t hash_of(const char *key) {
  uint64_t h = 14695981039346656037u;
  while (*key) h = (h ^ (unsigned char)*key++) * 1099511628211u;
  return h;
}

static struct entry *find(struct table *t, const char *key, uint64_t hash) {
  for (size_t i = hash % t->size;; i = (i + 1) % t->size) {
    struct entry *e = &t->entries[i];
    if (!e->key || (e->hash == hash && strcmp(e->key, key) == 0)) return e;
  }
}

static void rehash(struct table *t, size_t size) {
  struct entry *old = mw_make(struct entry, t->size ? t->size : 1);
  if (t->size) memcpy(old, t->entries, t->size * sizeof *old);
  size_t old_size = t->size;
  if (size == t->size)
    memset(t->entries, 0, size * sizeof *old);
  else
    t->entries = mw_make(struct entry, size);
  t->size = size;
  for (size_t i = 0; i < old_size; i++)
    if (old[i].key) *find(t, old[i].key, old[i].hash) = old[i];
}

static void add(struct table *t, const char *key) {
  if (2 * t->used >= t->size) rehash(t, t->size ? 2 * t->size : 8);
  uint64_t hash = hash_of(key);
  struct entry *e = find(t, key, hash);
  if (!e->key) {
    *e = (struct entry){mw_strdup(key), mw_new(uint64_t), hash};
    t->used++;
  }
  ++*e->count;
}

static struct table table; /* a global that holds a pointer in its middle */

int main(int argc, char **argv) {
  enum { KEYS = 4000 };
  churn_begin(argc, argv, 300);
  while (churn_round()) {
    table = (struct table){0};
    uint32_t step = 1 + churn_below(50);
    for (uint32_t i = 0; i < KEYS; i++) {
      char key[32];
      snprintf(key, sizeof key, "key-%u", i / step);
      add(&table, key);
      if (i % 512 == 0) rehash(&table, table.size);
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < table.size; i++)
      if (table.entries[i].key) {
        CHECK(hash_of(table.entries[i].key) == table.entries[i].hash);
        CHECK(strncmp(table.entries[i].key, "key-", 4) == 0);
        sum += *table.entries[i].count;
      }
    CHECK(sum == KEYS);
    CHECK(table.used == (KEYS + step - 1) / step);
  }
  return churn_end();
}
