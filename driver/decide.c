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
 * Reports  With -m, what was decided of each variable of which the plugin has said "may move to
 *          heap"; with -m=2, which function is why.
 */
#include <elf.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "driver.h"
#include "image.h"

/* What a variable's byte says. */
enum { STACK, HEAP, UNUSED /* the optimiser has seen that it stays */ };

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
  const char *name; /* the callee's */
  int len;
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
  *q = (struct question){find(p, name, len), (unsigned)arg, (unsigned)level, name, (int)len};
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

struct site {
  uint64_t address;
  struct section place; /* LINE COLUMN NAME FILE, or empty */
  bool moves;
  struct question why; /* the first one with a yes, if that is why it moves */
  bool own;            /* ... because its address is in itself, which `why` sees to */
};

/* The next record of the section; false: it is not understood. */
static bool read_site(const struct program *p, const char **s, const char *end, struct site *site) {
  bool own = false, lost = false, any = false;
  struct question owner = {0};
  *site = (struct site){0};
  if ((size_t)(end - *s) < sizeof site->address) return false;
  memcpy(&site->address, *s, sizeof site->address);
  *s += sizeof site->address;
  const char *line = memchr(*s, '\n', (size_t)(end - *s));
  if (!line) return false;
  site->place = (struct section){*s, (size_t)(line - *s)};
  *s = line + 1;
  while (*s < end && **s) {
    struct question q;
    if (**s == '!') {
      lost = true;
      ++*s;
      continue;
    }
    if (!read_question(p, s, end, &q) || *s == end || (**s != ',' && **s != ';')) return false;
    bool kept = keeps(&q);
    if (*(*s)++ == ';') {
      lost |= kept;
      continue;
    }
    any = true;
    if (kept && !site->moves) site->why = q;
    site->moves |= kept;
    if (!kept && owns(&q) && !own) owner = q;
    own |= !kept && owns(&q);
  }
  if (!any) return false; /* not ours */
  if (!site->moves && own && lost) {
    site->moves = site->own = true; /* its address leaks with what it holds */
    site->why = owner;
  }
  return skip(s, end, 0);
}

/* NULL: not of ours, whatever the record says. */
static char *byte_of(const struct image *im, uint64_t address) {
  uint64_t at = address - im->moves_at;
  return at < im->moves.size ? (char *)im->moves.text + at : NULL;
}

/* Where a section's records end; one that is not there has none. */
static const char *end_of(const struct section *s) {
  return s->size ? s->text + s->size : s->text;
}

/* Understands all records; decides: the bytes of those that stay become 0; or looks whether a
 * variable that moves has the byte 0, which is another's, too, then.  False: no; yes. */
enum step { READ, DECIDE, CHECK };
static bool sites(const struct program *p, enum step step) {
  const char *s = p->im->sites.text, *end = end_of(&p->im->sites);
  while (s < end) {
    struct site site;
    if (!read_site(p, &s, end, &site)) return false;
    char *byte = byte_of(p->im, site.address);
    if (!byte) continue;
    if (step == DECIDE && !site.moves && *byte == HEAP) *byte = STACK;
    if (step == CHECK && site.moves && *byte == STACK) return false;
  }
  return true;
}

static bool leaks(int level, int derefs) {
  return level >= 0 && level <= derefs;
}

/* [DP1]: nothing more leaks, nothing more holds its own address, which would leak with the rest,
 * and nothing that leaks is on the stack. */
static bool holds(const struct program *p) {
  for (size_t i = 0; i < p->ngivens; i++) {
    const struct given *g = &p->givens[i];
    const struct param *to = &g->of->p[g->param];
    if (keeps(&g->q) ? !leaks(to->heap, g->derefs) : owns(&g->q) && !leaks(to->own, g->derefs))
      return false;
    if (to->own >= 0 && (to->heap > to->own || to->result > to->own)) return false;
  }
  return sites(p, CHECK);
}

static void all_to_heap(const struct image *im) {
  char *byte = (char *)im->moves.text;
  for (size_t i = 0; i < im->moves.size; i++)
    if (byte[i] == STACK) byte[i] = HEAP;
}

/* ---- Report ------------------------------------------------------------------------ */

struct line {
  const char *file, *name;
  int file_len, name_len, row, column;
  bool heap;
  struct site site;
};

static bool read_place(const struct section *place, struct line *l) {
  const char *s = place->text, *end = s + place->size, *name;
  size_t len;
  if (!read_number(&s, end, &l->row) || !skip(&s, end, ' ') || !read_number(&s, end, &l->column) ||
      !skip(&s, end, ' ') || !read_name(&s, end, &name, &len) || !skip(&s, end, ' ') || s == end)
    return false;
  l->name = name;
  l->name_len = (int)len;
  l->file = s;
  l->file_len = (int)(end - s);
  return true;
}

static int order_of(const char *a, int alen, const char *b, int blen) {
  int order = memcmp(a, b, (size_t)(alen < blen ? alen : blen));
  return order ? order : (alen > blen) - (alen < blen);
}

/* What is on the heap somewhere comes first. */
static int by_place(const void *a, const void *b) {
  const struct line *x = a, *y = b;
  int order = order_of(x->file, x->file_len, y->file, y->file_len);
  if (!order) order = (x->row > y->row) - (x->row < y->row);
  if (!order) order = (x->column > y->column) - (x->column < y->column);
  if (!order) order = order_of(x->name, x->name_len, y->name, y->name_len);
  return order;
}

static void print_reason(const struct line *l, const char *undecided) {
  const struct question *q = &l->site.why;
  fprintf(stderr, "    flow: {heap} \xe2\x86\x90 &%.*s:\n      (", l->name_len, l->name);
  if (undecided)
    fputs(undecided, stderr);
  else if (!q->callee || !q->callee->defined)
    fprintf(stderr, "%.*s is not in the program, or was not compiled by mallow", q->len, q->name);
  else if (q->callee->doubtful)
    fprintf(stderr, "%.*s is weak, has another name, or is there twice", q->len, q->name);
  else if (q->arg >= q->callee->n)
    fprintf(stderr, "%.*s takes it as a variable argument", q->len, q->name);
  else if (l->site.own)
    fprintf(stderr, "%.*s stores it in %.*s itself, and what that holds is kept", q->len, q->name,
            l->name_len, l->name);
  else
    fprintf(stderr, "%.*s %s its argument %u%s", q->len, q->name,
            q->callee->p[q->arg].heap >= 0 ? "keeps" : "returns", q->arg + 1,
            q->level ? ", or what that leads to" : "");
  fputs(")\n", stderr);
}

/* Where the variables are, in the words of -m; undecided: why all of them are on the heap, or
 * NULL. */
static void report(const struct program *p, int level, const char *undecided) {
  const char *s = p->im->sites.text, *end = end_of(&p->im->sites);
  struct line *lines = NULL, l = {0};
  size_t n = 0;
  while (s < end && read_site(p, &s, end, &l.site)) {
    const char *byte = byte_of(p->im, l.site.address);
    if (!byte || *byte == UNUSED || !read_place(&l.site.place, &l)) continue;
    l.heap = *byte != STACK;
    lines = grown(lines, n, sizeof l);
    lines[n++] = l;
  }
  if (n) qsort(lines, n, sizeof l, by_place);
  for (size_t i = 0, next; i < n; i = next) {
    const struct line *first = &lines[i];
    for (next = i; next < n && by_place(&lines[next], &lines[i]) == 0; next++)
      if (lines[next].heap && !first->heap) first = &lines[next];
    fprintf(stderr, "%.*s:%d:%d: ", first->file_len, first->file, first->row, first->column);
    fprintf(stderr, first->heap ? "moved to heap: %.*s\n" : "%.*s does not escape\n",
            first->name_len, first->name);
    if (first->heap && level == 2) print_reason(first, undecided);
  }
  free(lines);
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

/* Why nothing is decided about this program; NULL: it has been. */
static const char *decide(struct program *p, const struct request *req) {
  if (req->shared || !is_executable(p->im))
    return "in a shared library, where another may be loaded";
  if (!req->decides)
    return renames_any(&req->renames)
               ? "linked with an option that can give names to other functions"
               : "linked with -fno-mallow-summaries";
  const char *broken = "what mallow wrote into the objects is not whole";
  if (!read_functions(p) || !read_symbols(p) || !read_givens(p)) return broken;
  solve(p);
  if (!sites(p, READ)) return broken;
  sites(p, DECIDE);
  if (holds(p)) return NULL;
  all_to_heap(p->im);
  return "what was linked contradicts itself";
}

void decide_places(const char *file, const struct request *req) {
  struct image im;
  if ((!req->decides && !req->report) || !image_open(&im, file, true)) return;
  struct program p = {.im = &im};
  if (im.sites.size) {
    const char *undecided = decide(&p, req);
    if (req->report) report(&p, req->report, undecided);
  }
  for (size_t i = 0; i < p.nfns; i++) free(p.fns[i].p);
  free(p.fns);
  free(p.givens);
  image_close(&im);
}
