/* SPDX-License-Identifier: MIT */
/*
 * debug/buckets.c -- counters kept for a stack; see debug/buckets.h
 */
#include "debug/buckets.h"
#include "os/os.h"

#define CHAIN_BITS 17 /* a megabyte of address space; pages come when touched */

struct mwi_lock mwi_buckets_lock = MWI_LOCK_INIT(MWI_RANK_PROFILE);

static _Atomic size_t bytes; /* statistic */
static size_t touched;       /* of all tables; under mwi_buckets_lock */

size_t mwi_buckets_bytes(void) {
  return mwi_load_relaxed(&bytes);
}

static uint64_t hash_of(size_t size, const uintptr_t *pc, size_t n) {
  uint64_t h = size;
  for (size_t i = 0; i < n; i++) {
    h = (h ^ pc[i]) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
  }
  return h;
}

struct mwi_bucket *mwi_bucket_locked(struct mwi_buckets *t, size_t size, const uintptr_t *pc,
                                     size_t n) {
  if (!t->chain) t->chain = mwi_os.map(sizeof *t->chain << CHAIN_BITS);
  if (!t->chain) return NULL;
  uint64_t h = hash_of(size, pc, n);
  struct mwi_bucket **chain = &t->chain[h * 0x9e3779b97f4a7c15u >> (64 - CHAIN_BITS)];
  for (struct mwi_bucket *b = *chain; b; b = b->chain)
    if (b->hash == h && b->size == size && b->n == n &&
        (n == 0 || memcmp(b->pc, pc, n * sizeof *pc) == 0))
      return b;
  struct mwi_bucket *b = mwi_meta_alloc(sizeof *b + n * sizeof *pc, 16);
  if (!*chain && touched < sizeof *t->chain << CHAIN_BITS) { /* a page of the table, at most */
    touched += mwi_os_page_bytes();
    mwi_meta_count(mwi_os_page_bytes());
    mwi_add_relaxed(&bytes, mwi_os_page_bytes());
  }
  mwi_add_relaxed(&bytes, sizeof *b + n * sizeof *pc);
  b->chain = *chain;
  b->older = mwi_load_relaxed(&t->newest);
  b->size = size;
  b->hash = h;
  b->n = (uint32_t)n;
  if (n) memcpy(b->pc, pc, n * sizeof *pc);
  *chain = b;
  mwi_store_release(&t->newest, b); /* pairs with the acquire of those who walk the table */
  return b;
}
