/* SPDX-License-Identifier: MIT */
/*
 * words.c -- the shared library of the install test's project
 *
 * Its globals are the only references to the strings: they survive a
 * collection only if the library's globals are roots.
 */
#include <mallow.h>
#include "words.h"

static char **words;
static int count, room;

void words_add(const char *word) {
  if (count == room) {
    int more = room ? 2 * room : 2;
    char **bigger = mw_make(char *, (size_t)more);
    for (int i = 0; i < count; i++) bigger[i] = words[i];
    words = bigger;
    room = more;
  }
  words[count++] = mw_strdup(word);
}

int words_count(void) {
  return count;
}

const char *words_get(int i) {
  return words[i];
}
