/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/gcmalloc_bytes.c -- with -fgc-malloc, variables kept in an array of bytes
 *
 * As BusyBox does it: the array is in another file there, so nothing of this one's
 * tells what it holds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct variables {
  char **words;
  int n;
  char *last;
};

char area[1024] __attribute__((aligned(8)));
static char lines[4][256] __attribute__((aligned(16)));
_Thread_local char mine[64] __attribute__((aligned(8)));
#define G (*(struct variables *)area)
#define L (*(struct variables *)lines[2])
#define T (*(struct variables *)mine)

static void add(struct variables *v, const char *word) {
  v->words = realloc(v->words, (size_t)(v->n + 1) * sizeof *v->words);
  v->words[v->n++] = v->last = strdup(word);
}

static int wrong(const struct variables *v) {
  int bad = 0;
  char word[32];
  for (int i = 0; i < v->n; i++) {
    snprintf(word, sizeof word, "word %d", i);
    bad += strcmp(v->words[i], word) != 0;
  }
  return bad + (strcmp(v->last, word) != 0);
}

int main(void) {
  char word[32];
  for (int i = 0; i < 300; i++) {
    snprintf(word, sizeof word, "word %d", i);
    add(&G, word);
    add(&L, word);
    add(&T, word);
    for (int k = 0; k < 20; k++) free(malloc(64));
    memset(malloc(64), 0xff, 64);
  }
  int bad = wrong(&G) + wrong(&L) + wrong(&T);
  printf("%d wrong\n", bad);
  return bad != 0;
}
