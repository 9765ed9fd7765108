/* SPDX-License-Identifier: MIT */
/*
 * plugin/escape_summary.c -- functions of other files
 *
 * Job      Writes how the parameters of this file's external functions leak
 *          into the section .mallow.summaries of its object, and reads such
 *          sections from the files named by -fmallow-summaries= (objects,
 *          shared libraries, archives).
 * Format   One line for a function: its name, and for each parameter the least
 *          number of dereferences to the heap and to the result, `-` for none,
 *          and, if there are such, to objects that get their own address:
 *              put 0,- -,1 -,-,0
 *          The section is not loaded.  A line that cannot be read, and two
 *          lines that differ, make the function unknown.
 *          What was used of other files is written into .mallow.assumed, the
 *          same lines after one with the source's name (@use.c).  Linkers put
 *          both sections together, and the driver compares them then
 *          (driver/summaries.c): a caller that was compiled for another version
 *          of a function does not link.
 * Threads  lld may run several of us: the files are read once, then constant.
 */
#include <elf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "escape.h"

#define SECTION ".mallow.summaries"
#define ASSUMED ".mallow.assumed"

struct known {
  char *name;
  struct mwcc_summary *s; /* NULL: contradictory */
};
static struct known *table;
static size_t ntable, captable;

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
  if (a->n != b->n) return false;
  for (unsigned i = 0; i < a->n; i++)
    if (a->p[i].heap != b->p[i].heap || a->p[i].result != b->p[i].result ||
        a->p[i].own != b->p[i].own)
      return false;
  return true;
}

static void remember(const char *name, size_t len, struct mwcc_summary *s) {
  if (ntable == captable) {
    captable = captable ? captable * 2 : 64;
    table = realloc(table, captable * sizeof *table);
    if (!table) abort();
  }
  table[ntable++] = (struct known){strndup(name, len), s};
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

/* Sorted, once each; contradictory ones without a summary. */
static void settle(void) {
  size_t n = 0;
  if (ntable) qsort(table, ntable, sizeof *table, by_name);
  for (size_t i = 0; i < ntable; i++) {
    if (n && strcmp(table[n - 1].name, table[i].name) == 0) {
      if (table[n - 1].s && !same(table[n - 1].s, table[i].s)) table[n - 1].s = NULL;
      continue;
    }
    table[n++] = table[i];
  }
  ntable = n;
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
    s->p[s->n].own = -1;
    if (*p == ',' && (p++, !read_level(&p, &s->p[s->n].own))) {
      free(s);
      return false;
    }
    s->p[s->n].sure = s->p[s->n].heap;
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

static void load(void) {
  const char *list = mwcc_options()->summaries;
  while (list && *list) {
    size_t n = strcspn(list, ":");
    char *file = strndup(list, n);
    if (*file) read_file(file);
    free(file);
    list += n + (list[n] == ':');
  }
  settle();
}

const struct mwcc_summary *mwcc_summary_of_name(struct mwcc_esc *e, const char *name) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load);
  struct known key = {.name = (char *)name}, *k;
  k = ntable ? bsearch(&key, table, ntable, sizeof *table, by_name) : NULL;
  if (!k || !k->s) return NULL;
  mwcc_vec_push(e->assumed, k);
  return k->s;
}

/* ---- Writing --------------------------------------------------------------------------- */

static void append(LLVMModuleRef mod, const char *s) {
  LLVMAppendModuleInlineAsm(mod, s, strlen(s));
}

static int level(char *buf, size_t size, signed char v) {
  return v < 0 ? snprintf(buf, size, "-") : snprintf(buf, size, "%d", v);
}

/* One line of a section: false when it is too long. */
static bool append_line(LLVMModuleRef mod, const char *name, const struct mwcc_summary *s) {
  char line[4096];
  int n = snprintf(line, sizeof line, "\t.ascii \"%s", name);
  if (s->n > 200 || strlen(name) > 500) return false;
  for (unsigned i = 0; i < s->n; i++) {
    n += snprintf(line + n, sizeof line - (size_t)n, " ");
    n += level(line + n, sizeof line - (size_t)n, s->p[i].heap);
    n += snprintf(line + n, sizeof line - (size_t)n, ",");
    n += level(line + n, sizeof line - (size_t)n, s->p[i].result);
    if (s->p[i].own >= 0) n += snprintf(line + n, sizeof line - (size_t)n, ",%d", s->p[i].own);
  }
  snprintf(line + n, sizeof line - (size_t)n, "\\n\"\n");
  append(mod, line);
  return true;
}

void mwcc_summaries_emit(struct mwcc *c, const struct mwcc_map *summaries) {
  bool any = false;
  if (!mwcc_options()->emit_summaries) return;
  for (LLVMValueRef f = LLVMGetFirstFunction(c->mod); f; f = LLVMGetNextFunction(f)) {
    uintptr_t known;
    size_t len;
    const char *name = LLVMGetValueName2(f, &len);
    if (!mwcc_map_get(summaries, f, &known) || !known || LLVMGetLinkage(f) != LLVMExternalLinkage ||
        strpbrk(name, "\"\\ @") || name[0] == 1)
      continue;
    if (!any) append(c->mod, "\t.pushsection " SECTION ",\"\",@progbits\n");
    any = true;
    append_line(c->mod, name, (const void *)known);
  }
  if (any) append(c->mod, "\t.popsection\n");
}

void mwcc_summaries_assumed(struct mwcc *c, const struct mwcc_vec *assumed) {
  struct mwcc_map seen = {0};
  size_t len;
  const char *file = LLVMGetSourceFileName(c->mod, &len);
  if (!assumed->len) return;
  char line[4096];
  snprintf(line, sizeof line, "\t.pushsection " ASSUMED ",\"\",@progbits\n\t.ascii \"@%s\\n\"\n",
           strpbrk(file, "\"\\\n") || len > 3000 ? "?" : file);
  append(c->mod, line); /* each ends up as a line of its own */
  for (size_t i = 0; i < assumed->len; i++) {
    const struct known *k = assumed->at[i];
    if (mwcc_map_get(&seen, k, NULL)) continue;
    mwcc_map_put(&seen, k, 1);
    append_line(c->mod, k->name, k->s);
  }
  append(c->mod, "\t.popsection\n");
  mwcc_map_fini(&seen);
}
