/* SPDX-License-Identifier: MIT */
/*
 * driver/renames.c -- names that the linker gives to other functions
 *
 * Job      --wrap, --defsym and their kind make a call of one name go to another function.  Reads
 *          them from the command line, so that nothing is taken for granted of a function by
 *          its name (driver/decide.c, driver/summaries.c), and sees to it that calls between files
 *          that mallow compiled go there too.
 * Promise  [LR1] A call of N goes where the linker's N goes, or nothing is linked.
 * How      Calls of N with pointers go to mwi_x.N, which the file that defines N defines too
 *          (plugin/extern.c): it skips the check that only other compilers' functions need.  The
 *          linker knows nothing of that: it wraps N and leaves mwi_x.N.  So after a link with such
 *          options it is looked where mwi_x.N went, and where it went wrong the command is run
 *          once more with mwi_x.N given to mwi_x.TARGET.  A target that mallow has not compiled has
 *          none, and calls of it have to be checked: that is an error.
 *          (Where the check was linked, mwi_x.N is the same as mwi_y.N, which only that has.)
 *          The same after each link for what objcopy does to one of the two names alone.
 * Left out objcopy --redefine-sym of a name that the object calls: what it calls instead is
 *          nowhere written.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "driver.h"
#include "image.h"

#define CHECKED "mwi_x."

/* ---- What the command line says --------------------------------------------------- */

static void rename_to(struct renames *r, const char *from, size_t len, const char *to) {
  args_add(&r->from, format_text("%.*s", (int)len, from));
  args_add(&r->to, to);
}

/* Of linkers' options, which begin with one or two dashes: what follows the name. */
static const char *value_of(const char *word, const char *name) {
  if (*word++ != '-') return NULL;
  if (*word == '-') word++;
  size_t n = strlen(name);
  return strncmp(word, name, n) == 0 && (word[n] == '=' || word[n] == 0) ? word + n : NULL;
}

static void read_defsym(struct renames *r, const char *s) {
  size_t n = strcspn(s, "=");
  if (s[n]) rename_to(r, s, n, s + n + 1);
}

/* One word for the linker.  True: its value is the next one. */
static bool read_linker_word(struct renames *r, const char *s, const char *next) {
  static const char *const others[] = {"multiple-def", "muldefs", "just-symbols",
                                       "interpos",     "@",       "script"};
  const char *v;
  if ((v = value_of(s, "wrap")) != NULL) {
    const char *name = *v ? v + 1 : next;
    if (name) rename_to(r, name, strlen(name), format_text("__wrap_%s", name));
    return !*v;
  }
  if ((v = value_of(s, "defsym")) != NULL) {
    const char *what = *v ? v + 1 : next;
    if (what) read_defsym(r, what);
    return !*v;
  }
  if (value_of(s, "version-script") || strcmp(s, "-shared") == 0) {
    r->exported = true;
    return false;
  }
  r->unknown |= strncmp(s, "-T", 2) == 0 && strncmp(s, "-Ttext", 6) != 0;
  for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
    if (strstr(s, others[k])) r->unknown = true;
  return false;
}

void renames_read(struct renames *r, const struct args *words) {
  struct args linker = {0};
  *r = (struct renames){0};
  for (size_t i = 0; i < words->len; i++) {
    const char *s = words->at[i], *next = words->at[i + 1];
    if (strncmp(s, "-Wl,", 4) == 0) {
      char *list = format_text("%s", s + 4);
      for (char *p = strtok(list, ","); p; p = strtok(NULL, ",")) args_add(&linker, p);
    } else if ((strcmp(s, "-Xlinker") == 0 || strcmp(s, "-z") == 0) && next) {
      args_add(&linker, next);
      i++;
    } else if (strncmp(s, "-z", 2) == 0 || strncmp(s, "-T", 2) == 0 || strcmp(s, "-shared") == 0) {
      args_add(&linker, s);
    }
  }
  for (size_t i = 0; i < linker.len; i++)
    if (read_linker_word(r, linker.at[i], linker.at[i + 1])) i++;
  free(linker.at);
}

bool renames_any(const struct renames *r) {
  return r->unknown || r->exported || r->from.len;
}

static bool renames(const struct renames *r, const char *name, size_t len) {
  for (size_t i = 0; i < r->from.len; i++)
    if (strlen(r->from.at[i]) == len && memcmp(r->from.at[i], name, len) == 0) return true;
  return false;
}

bool renames_name(const struct renames *r, const char *name, size_t len) {
  return r->unknown || renames(r, name, len);
}

/* ---- What has been linked ---------------------------------------------------------- */

struct symbol {
  const char *name;
  uint64_t at;
  bool global;
};
struct symbols {
  struct symbol *at; /* functions of the file's own, by name */
  size_t n;
  bool any_checked; /* there is a mwi_x.N */
};

static int order_of_names(const void *a, const void *b) {
  const struct symbol *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order ? order : (int)y->global - (int)x->global;
}

static bool is_checked(const char *name) {
  return strncmp(name, CHECKED, sizeof CHECKED - 1) == 0;
}

static void read_symbols(const struct image *im, struct symbols *out) {
  const Elf64_Sym *sym = (const void *)im->symbols.text;
  size_t all = im->symbols.size / sizeof *sym;
  *out = (struct symbols){.at = malloc((all + 1) * sizeof *out->at)};
  if (!out->at) fail("out of memory");
  for (size_t i = 0; i < all; i++) {
    unsigned type = ELF64_ST_TYPE(sym[i].st_info);
    if (sym[i].st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_NOTYPE)) continue;
    if (sym[i].st_name >= im->strings.size) continue;
    const char *name = im->strings.text + sym[i].st_name;
    if (strnlen(name, im->strings.size - sym[i].st_name) == im->strings.size - sym[i].st_name)
      continue;
    out->at[out->n++] =
        (struct symbol){name, sym[i].st_value, ELF64_ST_BIND(sym[i].st_info) != STB_LOCAL};
    out->any_checked |= is_checked(name);
  }
  qsort(out->at, out->n, sizeof *out->at, order_of_names);
}

static const struct symbol *find(const struct symbols *s, const char *name) {
  size_t low = 0, high = s->n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (strcmp(s->at[mid].name, name) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low < s->n && strcmp(s->at[low].name, name) == 0 ? &s->at[low] : NULL;
}

/* mwi_x.N is a function that N is, or was, a name of: not the check before it. */
static bool is_function(const struct symbols *s, const struct symbol *checked) {
  const struct symbol *check = find(s, format_text("mwi_y.%s", checked->name + sizeof CHECKED - 1));
  return !check || check->at != checked->at;
}

/* The option that puts it right; NULL: nothing is wrong. */
static char *repair(const struct symbols *s, const char *file, const char *from, const char *to) {
  const struct symbol *checked = find(s, format_text(CHECKED "%s", from));
  const struct symbol *target = find(s, to);
  if (!checked || !is_function(s, checked) || !target || checked->at == target->at) return NULL;
  char *name = format_text(CHECKED "%s", to);
  if (!find(s, name)) {
    unlink(file);
    fail(
        "%s is linked in the place of %s, but was not compiled by mallow, and calls of %s in files "
        "that were are made without the write barrier's check: compile it with mallow cc",
        to, from, from);
  }
  return format_text("-Wl,--defsym=" CHECKED "%s=%s", from, name);
}

bool renames_repair(const struct renames *r, const char *file, struct args *options) {
  struct image im;
  struct symbols s;
  if (!r->from.len || !image_open(&im, file, false)) return false;
  if (!im.symbols.size && (im.summaries.size || im.sites.size)) {
    unlink(file);
    fail("--wrap and --defsym cannot be combined with -s: strip the program after it is linked");
  }
  read_symbols(&im, &s);
  size_t before = options->len;
  for (size_t i = 0; i < r->from.len && s.any_checked; i++) {
    char *option = repair(&s, file, r->from.at[i], r->to.at[i]);
    if (option) args_add(options, option);
  }
  free(s.at);
  image_close(&im);
  return options->len > before;
}

/* One of the functions mwi_x.N is N itself: others are local to what they were linked with. */
static bool holds(const struct symbols *s, const struct symbol *checked, const struct symbol *n) {
  bool function = false;
  for (const struct symbol *c = checked; c < s->at + s->n && strcmp(c->name, checked->name) == 0;
       c++) {
    if (c->at == n->at) return true;
    function |= is_function(s, c);
  }
  return !function;
}

bool renames_hold(const struct renames *r, const char *file) {
  struct image im;
  struct symbols s;
  bool good = true;
  if (!image_open(&im, file, false)) return true;
  read_symbols(&im, &s);
  for (size_t i = 0; i < s.n && s.any_checked; i++) {
    const struct symbol *c = &s.at[i];
    if (!is_checked(c->name) || (i && strcmp(c[-1].name, c->name) == 0)) continue;
    const char *name = c->name + sizeof CHECKED - 1;
    const struct symbol *n = find(&s, name);
    if (!n || !n->global || renames(r, name, strlen(name)) || holds(&s, c, n)) continue;
    fprintf(stderr,
            "mallow: calls of '%s' would go to another function that had this name when it was "
            "compiled: leave each name one definition, and give " CHECKED "%s the same treatment "
            "by objcopy\n",
            name, name);
    good = false;
  }
  free(s.at);
  image_close(&im);
  return good;
}
