/* SPDX-License-Identifier: MIT */
/*
 * examples/index/words.c -- the index: a hash table of words, each with its postings
 *
 * Promise  A word's count is the sum of its postings' counts, nfiles their
 *          number; the POSTINGS_RANKED first are in order of count.
 * Threads  main's only.
 */
#include "index.h"

#include <string.h>

static struct word *word_of(struct index *ix, const struct found *found) {
  struct word *word;
  HASH_FIND_BYHASHVALUE(hh, ix->words, found->hh.key, found->hh.keylen, found->hh.hashv, word);
  if (word) return word;
  word = mw_new(struct word);
  char *key = mw_alloc_noscan(found->hh.keylen + 1);
  memcpy(key, found->hh.key, found->hh.keylen);
  HASH_ADD_KEYPTR_BYHASHVALUE(hh, ix->words, key, found->hh.keylen, found->hh.hashv, word);
  return word;
}

static void add_posting(struct word *word, const char *path, uint64_t count) {
  struct posting *posting = mw_new(struct posting);
  posting->path = path;
  posting->count = count;
  struct posting **link = &word->first;
  for (int rank = 0; rank < POSTINGS_RANKED && *link && (*link)->count >= count; rank++)
    link = &(*link)->next;
  posting->next = *link;
  *link = posting;
  word->nfiles++;
  word->count += count;
}

void index_add(struct index *ix, const struct scanned *file) {
  for (struct found *found = file->words; found; found = found->hh.next)
    add_posting(word_of(ix, found), file->path, found->count);
  ix->nfiles++;
  ix->nbytes += file->nbytes;
  ix->nwords += file->nwords;
}

struct word *index_find(const struct index *ix, const char *text) {
  struct word *word;
  HASH_FIND(hh, ix->words, text, strlen(text), word);
  return word;
}

static int by_count(const struct word *a, const struct word *b) {
  if (a->count != b->count) return a->count > b->count ? -1 : 1;
  return strcmp(a->hh.key, b->hh.key);
}

void index_sort(struct index *ix) {
  HASH_SORT(ix->words, by_count);
}
