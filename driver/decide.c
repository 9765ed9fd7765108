/* SPDX-License-Identifier: MIT */
/*
 * driver/decide.c -- what is linked decides where variables live
 *
 * Job      A variable whose address goes to a function of another file was compiled for both
 *          places, with a byte that says which (plugin/escape_given.c).  When all is linked,
 *          it is known what each function keeps: the bytes of variables whose address is not
 *          kept become 0, for the stack.
 * Promise  [DP1] A byte becomes 0 only if every function that the variable's address may go to
 *          is in this executable, compiled by mallow, the only one of its name, and neither
 *          keeps nor returns the address, nor hands it to one that does; nor stores it in the
 *          variable itself, if what the variable holds is kept.
 *          Whatever cannot be read or is not understood leaves all bytes as they are, which is
 *          right for every program.
 * How      Least fixpoint over the parameters of all functions: leaking is derived step by
 *          step, so what is not derived does not leak, functions that call each other too.
 *          Executables only: calls in a shared library may go to another function of the name.
 *          Nor with linker options that give names other functions.
 */
#include <elf.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "driver.h"
#include "image.h"

struct param {
  int heap, result, own; /* as in a summary; -1: none */
};

struct function {
  const char *name;
  size_t len;
  unsigned n;
  struct param *p;
  bool doubtful; /* described twice, or not surely what is called by this name */
  bool defined;
};

/* Parameter `param` of `of` leaks by `derefs` if the callee keeps its argument. */
struct question {
  struct function *callee; /* NULL: not known */
  unsigned arg, level;
};
struct given {
  struct function *of;
  unsigned param;
  int derefs;
  struct question q;
};

struct program {
  const struct image *im;
  struct function *fns;
  size_t nfns;
  struct given *givens;
  size_t ngivens;
};

static void *grown(void *p, size_t n, size_t size) {
  if (n & (n - 1)) return p; /* room for the next power of two */
  p = realloc(p, (n ? n * 2 : 1) * size);
  if (!p) abort();
  return p;
}

/* ---- Reading ------------------------------------------------------------------ */

static bool read_number(const char **s, const char *end, int *out) {
  long v = 0;
  const char *start = *s;
  for (; *s < end && **s >= '0' && **s <= '9' && v < 100000; ++*s) v = v * 10 + (**s - '0');
  *out = (int)v;
  return *s > start;
}

static bool read_level(const char **s, const char *end, int *out) {
  if (*s < end && **s == '-') {
    ++*s;
    *out = -1;
    return true;
  }
  return read_number(s, end, out);
}

static bool skip(const char **s, const char *end, char c) {
  if (*s == end || **s != c) return false;
  ++*s;
  return true;
}

static bool read_name(const char **s, const char *end, const char **name, size_t *len) {
  *name = *s;
  while (*s < end && **s != ' ') ++*s;
  *len = (size_t)(*s - *name);
  return *len > 0;
}

static bool read_function(const struct section *line, struct function *f) {
  const char *s = line->text, *end = s + line->size;
  *f = (struct function){0};
  if (!read_name(&s, end, &f->name, &f->len)) return false;
  while (s < end) {
    struct param p;
    if (!skip(&s, end, ' ') || !read_level(&s, end, &p.heap) || !skip(&s, end, ',') ||
        !read_level(&s, end, &p.result))
      return false;
    p.own = -1;
    if (s < end && *s == ',' && (s++, !read_level(&s, end, &p.own))) return false;
    f->p = grown(f->p, f->n, sizeof *f->p);
    f->p[f->n++] = p;
  }
  return true;
}

static int by_name(const void *a, const void *b) {
  const struct function *x = a, *y = b;
  size_t n = x->len < y->len ? x->len : y->len;
  int order = memcmp(x->name, y->name, n);
  return order ? order : (x->len > y->len) - (x->len < y->len);
}

static struct function *find(const struct program *p, const char *name, size_t len) {
  struct function key = {.name = name, .len = len};
  return p->nfns ? bsearch(&key, p->fns, p->nfns, sizeof key, by_name) : NULL;
}

static bool read_functions(struct program *p) {
  struct section rest = p->im->summaries, line;
  struct function f;
  while (next_line(&rest, &line)) {
    if (!read_function(&line, &f)) return false;
    p->fns = grown(p->fns, p->nfns, sizeof f);
    p->fns[p->nfns++] = f;
  }
  if (!p->nfns) return false;
  qsort(p->fns, p->nfns, sizeof f, by_name);
  for (size_t i = 1; i < p->nfns; i++)
    if (by_name(&p->fns[i - 1], &p->fns[i]) == 0)
      p->fns[i - 1].doubtful = p->fns[i].doubtful = true;
  return true;
}

/* A name that only an ordinary function has; without symbols none is sure. */
static bool read_symbols(struct program *p) {
  const Elf64_Sym *sym = (const void *)p->im->symbols.text;
  const struct section *names = &p->im->strings;
  for (size_t i = 0; i < p->im->symbols.size / sizeof *sym; i++) {
    if (ELF64_ST_BIND(sym[i].st_info) == STB_LOCAL) continue;
    if (sym[i].st_name >= names->size) return false;
    const char *name = names->text + sym[i].st_name;
    size_t len = strnlen(name, names->size - sym[i].st_name);
    struct function *f = find(p, name, len);
    if (!f) continue;
    if (sym[i].st_shndx == SHN_UNDEF || ELF64_ST_TYPE(sym[i].st_info) != STT_FUNC ||
        ELF64_ST_BIND(sym[i].st_info) != STB_GLOBAL || f->defined)
      f->doubtful = true;
    f->defined = true;
  }
  return true;
}

/* CALLEE ARG LEVEL */
static bool read_question(const struct program *p, const char **s, const char *end,
                          struct question *q) {
  const char *name;
  size_t len;
  int arg, level;
  if (!read_name(s, end, &name, &len) || !skip(s, end, ' ') || !read_number(s, end, &arg) ||
      !skip(s, end, ' ') || !read_number(s, end, &level) || level > 1)
    return false;
  *q = (struct question){find(p, name, len), (unsigned)arg, (unsigned)level};
  return true;
}

static bool read_given(struct program *p, const struct section *line) {
  const char *s = line->text, *end = s + line->size, *name;
  size_t len;
  int param, sure;
  struct given g;
  if (!read_name(&s, end, &name, &len) || !skip(&s, end, ' ') || !read_number(&s, end, &param) ||
      !skip(&s, end, ' ') || !read_level(&s, end, &sure) || !skip(&s, end, ' ') ||
      !read_number(&s, end, &g.derefs) || !skip(&s, end, ' ') || !read_question(p, &s, end, &g.q) ||
      s != end)
    return false;
  g.of = find(p, name, len);
  g.param = (unsigned)param;
  if (!g.of || g.param >= g.of->n) return false;
  g.of->p[param].heap = sure;
  p->givens = grown(p->givens, p->ngivens, sizeof g);
  p->givens[p->ngivens++] = g;
  return true;
}

static bool read_givens(struct program *p) {
  struct section rest = p->im->given, line;
  while (next_line(&rest, &line))
    if (!read_given(p, &line)) return false;
  return true;
}

/* ---- Answers ------------------------------------------------------------------- */

static bool keeps(const struct question *q) {
  const struct function *f = q->callee;
  if (!f || f->doubtful || !f->defined || q->arg >= f->n) return true;
  const struct param *p = &f->p[q->arg];
  if (q->level == 0) return p->heap == 0 || p->result == 0;
  return p->heap >= 0 || p->result >= 0;
}

/* It stores the address of what the question is about in that itself. */
static bool owns(const struct question *q) {
  const struct param *p = &q->callee->p[q->arg]; /* not of a callee that keeps it */
  return q->level == 0 ? p->own == 0 : p->own >= 0;
}

static bool lower(int *level, int to) {
  if (*level >= 0 && *level <= to) return false;
  *level = to;
  return true;
}

static void solve(struct program *p) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < p->ngivens; i++) {
      struct given *g = &p->givens[i];
      struct param *to = &g->of->p[g->param];
      if (keeps(&g->q))
        changed |= lower(&to->heap, g->derefs);
      else if (owns(&g->q))
        changed |= lower(&to->own, g->derefs);
      /* what leaks an object's content leaks its address, if that is there */
      if (to->own >= 0 && to->heap > to->own) changed |= lower(&to->heap, to->own);
      if (to->own >= 0 && to->result > to->own) changed |= lower(&to->result, to->own);
    }
  }
}

/* ---- Bytes ----------------------------------------------------------------------- */

/* The byte of the file that is at this address in memory; NULL: none. */
static char *byte_at(const struct image *im, uint64_t address) {
  const Elf64_Ehdr *h = (const void *)im->bytes;
  const Elf64_Shdr *sh = (const void *)(im->bytes + h->e_shoff);
  for (unsigned i = 0; i < h->e_shnum; i++)
    if ((sh[i].sh_flags & SHF_ALLOC) && sh[i].sh_type == SHT_PROGBITS && address >= sh[i].sh_addr &&
        address - sh[i].sh_addr < sh[i].sh_size && sh[i].sh_offset < im->size &&
        sh[i].sh_size <= im->size - sh[i].sh_offset)
      return (char *)im->bytes + sh[i].sh_offset + (address - sh[i].sh_addr);
  return NULL;
}

/* Each record of the section; `set` writes, else they are read only. */
static bool sites(const struct program *p, bool set) {
  const char *s = p->im->sites.text, *end = s + p->im->sites.size;
  while (s < end) {
    uint64_t address;
    if ((size_t)(end - s) < sizeof address) return false;
    memcpy(&address, s, sizeof address);
    s += sizeof address;
    bool moves = s == end || !*s; /* no question: not ours */
    bool own = false, lost = false;
    while (s < end && *s) {
      struct question q;
      if (*s == '!') {
        lost = true;
        s++;
        continue;
      }
      if (!read_question(p, &s, end, &q) || s == end || (*s != ',' && *s != ';')) return false;
      bool kept = keeps(&q);
      if (*s++ == ';') {
        lost |= kept;
      } else {
        moves |= kept;
        own |= !kept && owns(&q);
      }
    }
    if (!skip(&s, end, 0)) return false;
    moves |= own && lost; /* its address is in itself, and leaks with what it holds */
    char *byte = set && !moves ? byte_at(p->im, address) : NULL;
    if (byte && *byte == 1) *byte = 0;
  }
  return true;
}

/* ---- Which programs ---------------------------------------------------------------- */

static bool is_executable(const struct image *im) {
  const Elf64_Ehdr *h = (const void *)im->bytes;
  if (h->e_type == ET_EXEC) return true;
  if (h->e_type != ET_DYN || h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phoff % 8 ||
      h->e_phoff > im->size || (im->size - h->e_phoff) / sizeof(Elf64_Phdr) < h->e_phnum)
    return false;
  const Elf64_Phdr *ph = (const void *)(im->bytes + h->e_phoff);
  for (unsigned i = 0; i < h->e_phnum; i++) {
    if (ph[i].p_type == PT_INTERP) return true;
    if (ph[i].p_type != PT_DYNAMIC || ph[i].p_offset % 8 || ph[i].p_offset > im->size ||
        ph[i].p_filesz > im->size - ph[i].p_offset)
      continue;
    const Elf64_Dyn *d = (const void *)(im->bytes + ph[i].p_offset);
    for (size_t k = 0; k < ph[i].p_filesz / sizeof *d; k++)
      if (d[k].d_tag == DT_FLAGS_1 && (d[k].d_un.d_val & DF_1_PIE)) return true;
  }
  return false;
}

/* The linker may be told to give a name to another function, to take the first of several, or to
 * make a library. */
bool link_renames(const struct args *words) {
  static const char *const linkers[] = {
      "wrap",   "defsym", "multiple-def", "muldefs", "just-symbols",
      "script", "-T",     "interpos",     "@",       "-shared"};
  bool next = false;
  for (size_t i = 0; i < words->len; i++) {
    const char *s = words->at[i];
    bool passed = next || strncmp(s, "-Wl,", 4) == 0 || strncmp(s, "-z", 2) == 0;
    next = strcmp(s, "-Xlinker") == 0 || strcmp(s, "-z") == 0;
    if (strncmp(s, "-T", 2) == 0 || strcmp(s, "-shared") == 0) return true;
    for (size_t k = 0; passed && k < sizeof linkers / sizeof linkers[0]; k++)
      if (strstr(s, linkers[k])) return true;
  }
  return false;
}

void decide_places(const char *file) {
  struct image im;
  if (!image_open(&im, file, true)) return;
  struct program p = {.im = &im};
  if (im.sites.size && is_executable(&im) && read_functions(&p) && read_symbols(&p) &&
      read_givens(&p)) {
    solve(&p);
    if (sites(&p, false)) sites(&p, true);
  }
  for (size_t i = 0; i < p.nfns; i++) free(p.fns[i].p);
  free(p.fns);
  free(p.givens);
  image_close(&im);
}
