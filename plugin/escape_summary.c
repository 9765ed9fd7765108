/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_summary.c -- functions of other files
 *
 * Job      Writes how the parameters of this file's external functions leak
 *          into the section .mallow.summaries of its object, and reads such
 *          sections from the files named by -fmallow-summaries= (objects,
 *          shared libraries, archives).
 * Format   One line for a function: its name, and for each parameter the least
 *          number of dereferences to the heap and to the result, `-` for none:
 *              put 0,- -,1
 *          The section is not loaded.  A line that cannot be read, and two
 *          lines that differ, make the function unknown.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "escape.h"

#define SECTION ".mallow.summaries"

struct known {
  char *name;
  struct mwcc_summary *s; /* NULL: contradictory */
};
static struct known *table;
static size_t ntable, captable;
static bool loaded;

static void note(const char *file, const char *what) {
  if (mwcc_options()->report_flow)
    fprintf(stderr, "%s: note: %s; its functions are treated as unknown\n", file, what);
}

/* ---- Reading -------------------------------------------------------------------------- */

static bool read_level(const char **s, signed char *out) {
  if (**s == '-') {
    *out = -1;
    ++*s;
    return true;
  }
  char *end;
  long v = strtol(*s, &end, 10);
  if (end == *s || v < 0 || v > 100) return false;
  *s = end;
  *out = (signed char)v;
  return true;
}

static bool same(const struct mwcc_summary *a, const struct mwcc_summary *b) {
  return a->n == b->n && memcmp(a->p, b->p, a->n * sizeof a->p[0]) == 0;
}

static void remember(const char *name, size_t len, struct mwcc_summary *s) {
  for (size_t i = 0; i < ntable; i++) {
    if (strlen(table[i].name) != len || strncmp(table[i].name, name, len) != 0) continue;
    if (!table[i].s || !same(table[i].s, s)) table[i].s = NULL;
    return;
  }
  if (ntable == captable) {
    captable = captable ? captable * 2 : 64;
    table = realloc(table, captable * sizeof *table);
    if (!table) abort();
  }
  table[ntable++] = (struct known){strndup(name, len), s};
}

static bool read_line(const char *line, const char *end) {
  char buf[4096];
  size_t n = (size_t)(end - line);
  if (n >= sizeof buf) return false;
  memcpy(buf, line, n);
  buf[n] = 0;
  size_t len = strcspn(buf, " ");
  if (!len) return false;
  struct mwcc_summary *s = calloc(1, sizeof *s + 256 * sizeof s->p[0]);
  if (!s) abort();
  const char *p = buf + len;
  while (*p) {
    if (*p++ != ' ' || s->n == 256 || !read_level(&p, &s->p[s->n].heap) || *p++ != ',' ||
        !read_level(&p, &s->p[s->n].result)) {
      free(s);
      return false;
    }
    s->n++;
  }
  remember(buf, len, s);
  return true;
}

static void read_text(const char *file, const char *s, size_t size) {
  const char *end = s + size;
  while (s < end) {
    if (*s == 0 || *s == '\n') {
      s++;
      continue;
    }
    const char *nl = memchr(s, '\n', (size_t)(end - s));
    if (!nl || !read_line(s, nl)) note(file, "broken escape summaries");
    s = nl ? nl + 1 : end;
  }
}

static bool read_elf(const char *file, const char *d, size_t size) {
  const Elf64_Ehdr *h = (const void *)d;
  if (size < sizeof *h || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 ||
      h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_shoff > size ||
      h->e_shentsize != sizeof(Elf64_Shdr) ||
      (size - h->e_shoff) / sizeof(Elf64_Shdr) < h->e_shnum || h->e_shstrndx >= h->e_shnum)
    return false;
  Elf64_Shdr str, sh;
  memcpy(&str, d + h->e_shoff + h->e_shstrndx * sizeof str, sizeof str);
  if (str.sh_offset > size || size - str.sh_offset < str.sh_size) return false;
  bool found = false;
  for (unsigned i = 0; i < h->e_shnum; i++) {
    memcpy(&sh, d + h->e_shoff + i * sizeof sh, sizeof sh);
    if (sh.sh_name >= str.sh_size || str.sh_size - sh.sh_name < sizeof SECTION ||
        memcmp(d + str.sh_offset + sh.sh_name, SECTION, sizeof SECTION) != 0)
      continue;
    if (sh.sh_type != SHT_PROGBITS || sh.sh_offset > size || size - sh.sh_offset < sh.sh_size)
      return false;
    read_text(file, d + sh.sh_offset, sh.sh_size);
    found = true;
  }
  return found;
}

/* Members of an archive: a header of 60 bytes of text before each. */
static bool read_archive(const char *file, const char *d, size_t size) {
  bool found = false;
  for (size_t at = 8; at + 60 <= size;) {
    char digits[11] = "";
    memcpy(digits, d + at + 48, 10);
    size_t n = strtoul(digits, NULL, 10);
    at += 60;
    if (n > size - at) return false;
    char *copy = malloc(n + 1); /* aligned */
    if (!copy) abort();
    memcpy(copy, d + at, n);
    found |= read_elf(file, copy, n);
    free(copy);
    at += n + (n & 1);
  }
  return found;
}

static void read_file(const char *file) {
  FILE *f = fopen(file, "rb");
  if (!f) {
    note(file, "escape summaries cannot be read");
    return;
  }
  char *d = NULL;
  size_t n = 0, cap = 0, got;
  do {
    if (n + 65536 > cap) d = realloc(d, cap = cap * 2 + 131072);
    if (!d) abort();
    got = fread(d + n, 1, 65536, f);
    n += got;
  } while (got);
  fclose(f);
  bool ok =
      n > 8 && memcmp(d, "!<arch>\n", 8) == 0 ? read_archive(file, d, n) : read_elf(file, d, n);
  if (!ok) note(file, "no escape summaries");
  free(d);
}

const struct mwcc_summary *mwcc_summary_of_name(const char *name) {
  if (!loaded) {
    loaded = true;
    const char *list = mwcc_options()->summaries;
    while (list && *list) {
      size_t n = strcspn(list, ":");
      char *file = strndup(list, n);
      if (*file) read_file(file);
      free(file);
      list += n + (list[n] == ':');
    }
  }
  for (size_t i = 0; i < ntable; i++)
    if (strcmp(table[i].name, name) == 0) return table[i].s;
  return NULL;
}

/* ---- Writing --------------------------------------------------------------------------- */

static void append(LLVMModuleRef mod, const char *s) {
  LLVMAppendModuleInlineAsm(mod, s, strlen(s));
}

static int level(char *buf, size_t size, signed char v) {
  return v < 0 ? snprintf(buf, size, "-") : snprintf(buf, size, "%d", v);
}

void mwcc_summaries_emit(struct mwcc *c, const struct mwcc_map *summaries) {
  bool any = false;
  if (!mwcc_options()->emit_summaries) return;
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f; f = LLVMGetNextFunction(f)) {
    uintptr_t known;
    size_t len;
    const char *name = LLVMGetValueName2(f, &len);
    if (!mwcc_map_get(summaries, f, &known) || !known || LLVMGetLinkage(f) != LLVMExternalLinkage ||
        strchr(name, '"') || strchr(name, '\\') || name[0] == 1 || len > 500)
      continue;
    const struct mwcc_summary *s = (const void *)known;
    char line[4096];
    int n = snprintf(line, sizeof line, "\t.ascii \"%s", name);
    if (s->n > 200) continue;
    for (unsigned i = 0; i < s->n; i++) {
      n += snprintf(line + n, sizeof line - (size_t)n, " ");
      n += level(line + n, sizeof line - (size_t)n, s->p[i].heap);
      n += snprintf(line + n, sizeof line - (size_t)n, ",");
      n += level(line + n, sizeof line - (size_t)n, s->p[i].result);
    }
    snprintf(line + n, sizeof line - (size_t)n, "\\n\"\n");
    if (!any) append(c->mod, "\t.pushsection " SECTION ",\"\",@progbits\n");
    any = true;
    append(c->mod, line);
  }
  if (any) append(c->mod, "\t.popsection\n");
}
