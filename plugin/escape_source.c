/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_source.c -- an expression's text, for reports
 *
 * Job      Reads `mw_make(int, n)` from the source file at the position of the
 *          allocation, because the IR has only its value.  Debug information has
 *          the position of a macro's call for all that comes from it; clang's
 *          diagnostics show an argument where it is written, and so do we.
 * Cost     Under -m and for remarks only; the file that was read last is kept.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "escape.h"

static char *text, *text_name;
static size_t *line_at,
    nlines; /* where each begins: a large file is asked about many thousand times */

/* Without memory for all, those that there are. */
static void find_lines(void) {
  free(line_at);
  line_at = NULL;
  size_t cap = 0;
  for (const char *s = text; s;) {
    if (nlines == cap) {
      size_t *more = realloc(line_at, (cap = cap * 2 + 1024) * sizeof *line_at);
      if (!more) return;
      line_at = more;
    }
    line_at[nlines++] = (size_t)(s - text);
    s = strchr(s, '\n');
    if (s) s++;
  }
}

static const char *load(const char *file) {
  if (text_name && strcmp(text_name, file) == 0) return text;
  free(text);
  free(text_name);
  text = NULL;
  nlines = 0;
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
  find_lines();
  return text;
}

static const char *line_start(const char *file, unsigned line) {
  const char *s = load(file);
  size_t n = line > 1 ? line - 1 : 0;
  return s && n < nlines ? s + line_at[n] : NULL;
}

static bool is_word(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* Past a string, a character or a comment that begins at s; s: none does. */
static const char *past_literal(const char *s) {
  if (s[0] == '/' && s[1] == '*') {
    const char *end = strstr(s + 2, "*/");
    return end ? end + 2 : s + strlen(s);
  }
  if (s[0] == '/' && s[1] == '/') return s + strcspn(s, "\n");
  if (*s != '"' && *s != '\'') return s;
  const char quote = *s++;
  while (*s && *s != quote) s += *s == '\\' && s[1] ? 2 : 1;
  return *s ? s + 1 : s;
}

static bool is_allocation(const char *s, size_t n) {
  return (n == 6 && strncmp(s, "mw_new", n) == 0) || (n == 7 && strncmp(s, "mw_make", n) == 0) ||
         (n == 11 && strncmp(s, "mw_new_flex", n) == 0);
}

void mwcc_source_argument(const char *file, unsigned *line, unsigned *col, const char *word) {
  const char *s = *line && *col ? line_start(file, *line) : NULL;
  if (!s || strcspn(s, "\n") < *col) return;
  const char *start = s;
  unsigned at_line = *line;
  size_t n = word ? strlen(word) : 0, len;
  s += *col - 1;
  for (len = 0; is_word(s[len]); len++) {
  }
  if (!len || (word ? len == n && strncmp(s, word, n) == 0 : is_allocation(s, len))) return;
  s += len;
  while (*s == ' ') s++;
  if (*s != '(') return;
  for (int depth = 0; *s;) {
    const char *next = past_literal(s);
    if (next == s) next++;
    for (; s < next - 1; s++)
      if (*s == '\n') at_line++, start = s + 1;
    if (*s == '\n') at_line++, start = s + 1;
    depth += (*s == '(') - (*s == ')');
    if (depth == 0) return;
    s = next;
    if (!is_word(*s) || is_word(s[-1])) continue;
    for (len = 0; is_word(s[len]); len++) {
    }
    if (word ? len != n || strncmp(s, word, n) != 0 : !is_allocation(s, len)) continue;
    *line = at_line;
    *col = (unsigned)(s - start) + 1;
    return;
  }
}

unsigned mwcc_source_literal(const char *file, unsigned line, unsigned col) {
  const char *start = line_start(file, line), *s = start;
  if (!s || !line || !col || strcspn(s, "\n") < col) return col;
  s += col - 1;
  while (s > start && (*s == '{' || s[-1] == ' ' || s[-1] == '{')) s--;
  if (s == start || (*s != ')' && s[-1] != ')')) return col;
  if (*s != ')') s--;
  int depth = 0;
  for (; s >= start; s--) {
    depth += (*s == ')') - (*s == '(');
    if (depth == 0) return (unsigned)(s - start) + 1;
  }
  return col;
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
