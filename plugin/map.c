/* SPDX-License-Identifier: MIT */
/*
 * plugin/map.c -- a pointer-keyed hash map and a growing array
 *
 * Job      Memo tables and work lists of the passes.
 * Promise  Put and get are O(1) on average; nothing is ever removed singly.
 *          Out of memory ends the compiler.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mallow-cc.h"

static void *must(void *p) {
  if (!p) {
    fputs("mallow: the compiler plugin is out of memory\n", stderr);
    abort();
  }
  return p;
}

/* Keys are aligned addresses: mix the high bits in. */
static size_t slot_of(const struct mwcc_map *m, const void *key) {
  uint64_t h = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
  size_t i = (size_t)(h >> 32) & (m->cap - 1);
  while (m->keys[i] && m->keys[i] != key) i = (i + 1) & (m->cap - 1);
  return i;
}

void mwcc_map_fini(struct mwcc_map *m) {
  free(m->keys);
  free(m->vals);
  *m = (struct mwcc_map){0};
}

void mwcc_map_clear(struct mwcc_map *m) {
  if (!m->count) return;
  memset(m->keys, 0, m->cap * sizeof *m->keys);
  m->count = 0;
}

static void grow(struct mwcc_map *m) {
  struct mwcc_map old = *m;
  m->cap = old.cap ? old.cap * 2 : 64;
  m->keys = must(calloc(m->cap, sizeof *m->keys));
  m->vals = must(calloc(m->cap, sizeof *m->vals));
  m->count = 0;
  for (size_t i = 0; i < old.cap; i++)
    if (old.keys[i]) mwcc_map_put(m, old.keys[i], old.vals[i]);
  mwcc_map_fini(&old);
}

void mwcc_map_put(struct mwcc_map *m, const void *key, uintptr_t val) {
  if (m->count * 2 >= m->cap) grow(m);
  size_t i = slot_of(m, key);
  if (!m->keys[i]) m->count++;
  m->keys[i] = key;
  m->vals[i] = val;
}

bool mwcc_map_get(const struct mwcc_map *m, const void *key, uintptr_t *val) {
  if (!m->cap) return false;
  size_t i = slot_of(m, key);
  if (!m->keys[i]) return false;
  if (val) *val = m->vals[i];
  return true;
}

void mwcc_vec_push(struct mwcc_vec *v, void *x) {
  if (v->len == v->cap) {
    v->cap = v->cap ? v->cap * 2 : 16;
    v->at = must(realloc(v->at, v->cap * sizeof *v->at));
  }
  v->at[v->len++] = x;
}

void mwcc_vec_fini(struct mwcc_vec *v) {
  free(v->at);
  *v = (struct mwcc_vec){0};
}
