/* SPDX-License-Identifier: MIT */
/*
 * bench/escape/words.c -- counts words in a table; keys, cursors and buffers
 * are temporary objects, the table's entries are not
 */
#include <string.h>
#include "measure.h"

typedef struct entry {
  struct entry *next;
  char *word;
  long count;
} entry;
typedef struct key {
  const char *text;
  size_t len, hash;
} key;
typedef struct cursor {
  const char *at, *end;
} cursor;

enum { ROOM = 4096 };

static int next_word(cursor *c, key *k) {
  while (c->at < c->end && *c->at == ' ') c->at++;
  k->text = c->at;
  size_t h = 5381;
  while (c->at < c->end && *c->at != ' ') h = h * 33 + (unsigned char)*c->at++;
  k->len = (size_t)(c->at - k->text);
  k->hash = h;
  return k->len > 0;
}

static entry *find(entry **table, const key *k) {
  char *upper = mw_make(char, k->len + 1); /* most words fit the small buffer */
  for (size_t i = 0; i < k->len; i++) upper[i] = (char)(k->text[i] & ~32);
  entry *e = table[k->hash % ROOM];
  while (e && strcmp(e->word, upper) != 0) e = e->next;
  if (!e) {
    e = mw_new(entry);
    e->word = mw_strdup(upper);
    e->next = table[k->hash % ROOM];
    table[k->hash % ROOM] = e;
  }
  return e;
}

static __attribute__((noinline)) void count(entry **table, const char *text, size_t len) {
  cursor *c = mw_new(cursor);
  c->at = text;
  c->end = text + len;
  for (;;) {
    key *k = mw_new(key);
    if (!next_word(c, k)) break;
    find(table, k)->count++;
  }
}

int main(void) {
  static char text[1 << 16];
  unsigned seed = 1;
  size_t n = 0;
  while (n + 12 < sizeof text) {
    seed = seed * 1103515245 + 12345;
    for (unsigned i = 0, len = 2 + (seed >> 16) % 6; i < len; i++)
      text[n++] = (char)('a' + (seed >> (8 + i)) % 5);
    text[n++] = ' ';
  }
  entry **table = mw_make(entry *, ROOM);
  measure_begin();
  for (int i = 0; i < 300; i++) count(table, text, n);
  long most = 0;
  for (int i = 0; i < ROOM; i++)
    for (entry *e = table[i]; e; e = e->next) most = e->count > most ? e->count : most;
  measure_end("words", (double)most);
}
