/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_source.c -- an expression's text, for reports
 *
 * Job      Reads `mw_make(int, n)` from the source file at the position of the
 *          allocation, because the IR has only its value.
 * Cost     Under -m and for remarks only; the file that was read last is kept.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "escape.h"

static char *text, *text_name;

static const char *load(const char *file) {
  if (text_name && strcmp(text_name, file) == 0) return text;
  free(text);
  free(text_name);
  text = NULL;
  text_name = strdup(file);
  FILE *f = fopen(file, "r");
  size_t n = 0, cap = 0;
  while (f) {
    if (n + 4097 > cap) {
      char *more = realloc(text, cap = cap * 2 + 8192);
      if (!more) break;
      text = more;
    }
    size_t got = fread(text + n, 1, 4096, f);
    n += got;
    text[n] = 0;
    if (got == 0) break;
  }
  if (f) fclose(f);
  return text;
}

static const char *line_start(const char *file, unsigned line) {
  const char *s = load(file);
  while (s && line-- > 1) {
    s = strchr(s, '\n');
    if (s) s++;
  }
  return s;
}

bool mwcc_source_call(const char *file, unsigned line, unsigned col, char *buf, size_t size) {
  const char *s = line_start(file, line);
  size_t n = 0;
  int depth = 0;
  if (!s || !line || !col || strcspn(s, "\n") < col) return false;
  s += col - 1;
  if (strncmp(s, "mw_", 3) != 0) return false;
  for (; *s && n + 2 < size; s++) {
    if (isspace((unsigned char)*s)) {
      if (n && buf[n - 1] != ' ') buf[n++] = ' ';
      continue;
    }
    buf[n++] = *s;
    depth += (*s == '(') - (*s == ')');
    if (*s == ')' && depth == 0) break;
    if (!depth && !isalnum((unsigned char)*s) && *s != '_') return false;
  }
  buf[n] = 0;
  return n > 0 && depth == 0 && buf[n - 1] == ')';
}

unsigned mwcc_source_column(const char *file, unsigned line, const char *word) {
  const char *s = line_start(file, line), *at = s;
  size_t n = strlen(word), len = s ? strcspn(s, "\n") : 0;
  while (s && (at = strstr(at, word)) != NULL && at < s + len) {
    bool before = at == s || (!isalnum((unsigned char)at[-1]) && at[-1] != '_');
    if (before && !isalnum((unsigned char)at[n]) && at[n] != '_') return (unsigned)(at - s) + 1;
    at += n;
  }
  return 1;
}
