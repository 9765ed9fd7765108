/* SPDX-License-Identifier: MIT */
/*
 * driver/args.c -- what a clang command line asks for
 *
 * Job      Decides, as clang itself would, whether a command links, and
 *          whether it compiles C; takes mallow's own options out.
 * How      One pass over the words.  Response files are read for the decision
 *          and handed on unread, so quoting stays clang's business.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "driver.h"

void args_add(struct args *a, const char *s) {
  if (a->len + 2 > a->cap) {
    a->cap = a->cap ? a->cap * 2 : 32;
    a->at = realloc(a->at, a->cap * sizeof *a->at);
    if (!a->at) fail("out of memory");
  }
  a->at[a->len++] = (char *)s; /* never written through */
  a->at[a->len] = NULL;
}

void args_read_response(struct args *out, const char *file) {
  FILE *f = fopen(file, "r");
  if (!f) return;
  char *word = NULL;
  size_t n = 0, cap = 0;
  bool any = false;
  int quote = 0;
  for (;;) {
    int ch = getc(f);
    if (n + 2 > cap) {
      cap = cap ? cap * 2 : 64;
      word = realloc(word, cap);
      if (!word) fail("out of memory");
    }
    if (ch == EOF || (!quote && isspace(ch))) {
      if (any) {
        word[n] = 0;
        args_add(out, word);
        word = NULL;
        n = cap = 0;
        any = false;
      }
      if (ch == EOF) break;
      continue;
    }
    any = true;
    if (quote && ch == quote)
      quote = 0;
    else if (!quote && (ch == '"' || ch == '\''))
      quote = ch;
    else if (ch == '\\' && quote != '\'') {
      ch = getc(f);
      if (ch != EOF) word[n++] = (char)ch;
    } else {
      word[n++] = (char)ch;
    }
  }
  free(word);
  fclose(f);
}

static bool starts(const char *s, const char *prefix) {
  return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is_one_of(const char *s, const char *const *list) {
  for (; *list; list++)
    if (strcmp(s, *list) == 0) return true;
  return false;
}

/* Options whose value is the next word. */
static bool takes_next(const char *s) {
  static const char *const list[] = {"-o",
                                     "-I",
                                     "-D",
                                     "-U",
                                     "-x",
                                     "-L",
                                     "-l",
                                     "-MF",
                                     "-MT",
                                     "-MQ",
                                     "-MJ",
                                     "-include",
                                     "-imacros",
                                     "-isystem",
                                     "-iquote",
                                     "-idirafter",
                                     "-iprefix",
                                     "-isysroot",
                                     "-Xclang",
                                     "-Xlinker",
                                     "-Xassembler",
                                     "-Xpreprocessor",
                                     "-mllvm",
                                     "-target",
                                     "--target",
                                     "--sysroot",
                                     "-T",
                                     "-u",
                                     "-z",
                                     "-e",
                                     "-B",
                                     "-arch",
                                     "-iwithprefix",
                                     "-iwithprefixbefore",
                                     "-main-file-name",
                                     "--param",
                                     "-aux-info",
                                     "-dumpdir",
                                     "-include-pch",
                                     "-Xanalyzer",
                                     "-rpath",
                                     "-working-directory",
                                     "--serialize-diagnostics",
                                     "-gcc-toolchain",
                                     NULL};
  return is_one_of(s, list);
}

/* Options that end before linking, or print and end. */
static bool stops_before_link(const char *s) {
  static const char *const list[] = {
      "-c",           "-S",           "-E",        "-M",        "-MM",         "-fsyntax-only",
      "--version",    "--help",       "-help",     "--analyze", "-r",          "-dumpversion",
      "-dumpmachine", "--precompile", "-emit-ast", "-emit-pch", "-verify-pch", "--compile",
      "--assemble",   "--preprocess", "-cc1",      "-cc1as",    NULL};
  return is_one_of(s, list) || starts(s, "-print-") || starts(s, "--print-") ||
         starts(s, "--help-");
}

/* The language of a file by its name: 'c' for C and IR, 'o' for the linker's,
 * '?' for the rest. */
static char kind_of_file(const char *s) {
  const char *dot = strrchr(s, '.'), *slash = strrchr(s, '/');
  if (strcmp(s, "-") == 0) return 'c';
  if (!dot || (slash && dot < slash)) return 'o';
  static const char *const c[] = {".c", ".i", ".ll", ".bc", NULL};
  static const char *const other[] = {".cc", ".cpp", ".cxx", ".C", ".c++", ".s", ".S",
                                      ".sx", ".m",   ".mm",  ".h", ".hpp", NULL};
  if (is_one_of(dot, c)) return 'c';
  return is_one_of(dot, other) ? '?' : 'o';
}

struct reader {
  struct request req;
  const char *language; /* of -x, or NULL */
  bool stopped;
  bool no_summaries;           /* -fno-mallow-summaries */
  struct args linked, folders; /* objects, archives, -lNAME; of -L */
};

/* Sanitizers that put calls into the middle of other code, so also between a
 * write barrier and its store. */
static bool breaks_barriers(const char *s, size_t n) {
  static const char *const list[] = {"thread",   "memory",    "kernel-memory",  "dataflow",
                                     "fuzzer",   "hwaddress", "fuzzer-no-link", "type",
                                     "realtime", NULL};
  for (const char *const *l = list; *l; l++)
    if (strlen(*l) == n && strncmp(*l, s, n) == 0) return true;
  return false;
}

static void read_sanitizers(struct reader *r, const char *list, bool on) {
  for (const char *s = list; *s;) {
    size_t n = strcspn(s, ",");
    if (n == 7 && strncmp(s, "address", n) == 0) r->req.asan = on;
    if (on && breaks_barriers(s, n))
      fail("-fsanitize=%.*s cannot be combined with mallow: it puts calls between a write "
           "barrier and its store",
           (int)n, s);
    if (on && n == 10 && strncmp(s, "safe-stack", n) == 0)
      fail("-fsanitize=safe-stack cannot be combined with mallow: the collector does not know "
           "its second stack");
    s += n + (s[n] == ',');
  }
}

/* Of a header clang makes a precompiled one, and links nothing. */
static bool is_header(const char *s) {
  const char *dot = strrchr(s, '.');
  static const char *const headers[] = {".h", ".hh", ".H", ".hp", ".hpp", ".hxx", NULL};
  return dot && is_one_of(dot, headers);
}

static void read_input(struct reader *r, const char *s) {
  r->req.has_inputs = true;
  if (r->language && strcmp(r->language, "none") != 0) {
    static const char *const c[] = {"c", "cpp-output", "ir", "c-header", NULL};
    if (is_one_of(r->language, c)) r->req.has_c = true;
    if (strstr(r->language, "-header")) r->stopped = true;
  } else if (is_header(s)) {
    r->stopped = true;
    r->req.has_c |= strcmp(strrchr(s, '.'), ".h") == 0;
  } else if (kind_of_file(s) == 'c') {
    r->req.has_c = true;
  } else {
    const char *dot = strrchr(s, '.');
    if (dot && (strcmp(dot, ".o") == 0 || strcmp(dot, ".a") == 0)) args_add(&r->linked, s);
  }
}

/* The options that choose how much debug information there is; others (-gz) do not. */
static void read_debug(struct reader *r, const char *s) {
  static const char *const none[] = {"-g0", "-ggdb0", NULL};
  static const char *const lines[] = {
      "-g1", "-ggdb1", "-gmlt", "-gline-tables-only", "-gline-directives-only", NULL};
  static const char *const full[] = {"-g",         "-g2",       "-g3",    "-ggdb",
                                     "-ggdb2",     "-ggdb3",    "-glldb", "-gsce",
                                     "-gcodeview", "-gmodules", NULL};
  if (is_one_of(s, none)) r->req.debug = 0;
  if (is_one_of(s, lines)) r->req.debug = 1;
  if (is_one_of(s, full) || (starts(s, "-gdwarf") && !starts(s, "-gdwarf-aranges")))
    r->req.debug = 2;
}

static void read_word(struct reader *r, const char *s) {
  if (stops_before_link(s)) r->stopped = true;
  if (strcmp(s, "--version") == 0)
    r->req.version = true;
  else if (s[0] == '-' && s[1] == 'o' && s[2] && !starts(s, "-objcmt"))
    r->req.output = s + 2;
  else if (starts(s, "-L"))
    args_add(&r->folders, s + 2);
  else if (starts(s, "-l"))
    args_add(&r->linked, s);
  else if (strcmp(s, "-static") == 0 || strcmp(s, "-static-pie") == 0)
    r->req.static_mallow = r->req.static_libc = true;
  else if (strcmp(s, "-shared") == 0)
    r->req.shared = true;
  else if (strcmp(s, "-flto") == 0 || starts(s, "-flto="))
    r->req.lto = true;
  else if (strcmp(s, "-fno-lto") == 0)
    r->req.lto = false;
  else if (starts(s, "-fuse-ld=") || starts(s, "--ld-path="))
    r->req.chooses_ld = true;
  else if (starts(s, "-fsanitize="))
    read_sanitizers(r, s + 11, true);
  else if (starts(s, "-fno-sanitize="))
    read_sanitizers(r, s + 14, false);
  else if (starts(s, "-fsanitize-coverage="))
    fail("-fsanitize-coverage cannot be combined with mallow: it puts calls between a write "
         "barrier and its store");
  else if (strcmp(s, "-fsplit-machine-functions") == 0 ||
           (starts(s, "-fbasic-block-sections=") && strcmp(s + 23, "none") != 0))
    fail("%s cannot be combined with mallow: it moves code out of the section in which the "
         "runtime looks for it",
         s);
  else if (strcmp(s, "-fsplit-stack") == 0)
    fail("-fsplit-stack cannot be combined with mallow: it asks the thread for its stack's end, "
         "not the goroutine");
  else if (strcmp(s, "-mcmodel=large") == 0 || strcmp(s, "-mcmodel=kernel") == 0)
    fail("%s cannot be combined with mallow: clang loses a register on the way to a write "
         "barrier's slow half",
         s);
  else if (starts(s, "-x") && s[2])
    r->language = s + 2;
  else if (starts(s, "-Rpass") || starts(s, "-fsave-optimization-record") ||
           starts(s, "-foptimization-record-") || starts(s, "-fprofile-sample-use") ||
           starts(s, "-fauto-profile") || starts(s, "-fpseudo-probe-for-profiling"))
    r->req.remarks = true; /* source positions are needed until the end */
  else if (s[0] == '-' && s[1] == 'g')
    read_debug(r, s);
}

static void read_words(struct reader *r, struct args *words) {
  bool files_only = false;
  for (size_t i = 0; i < words->len; i++) {
    const char *s = words->at[i];
    if (files_only || s[0] != '-' || strcmp(s, "-") == 0) {
      read_input(r, s);
    } else if (strcmp(s, "--") == 0) {
      files_only = true;
    } else if (takes_next(s)) {
      const char *value = words->at[i + 1];
      if (!value) continue;
      if (strcmp(s, "-x") == 0) r->language = value;
      if (strcmp(s, "-o") == 0) r->req.output = value;
      if (strcmp(s, "-L") == 0) args_add(&r->folders, value);
      if (strcmp(s, "-l") == 0) args_add(&r->linked, format_text("-l%s", value));
      i++;
    } else {
      read_word(r, s);
    }
  }
}

/* A word for the plugin (plugin/options.c); later ones win. */
static void tell_plugin(const char *word) {
  const char *old = getenv("MALLOW_CC");
  setenv("MALLOW_CC", format_text("%s%s%s", old ? old : "", old ? "," : "", word), 1);
}

/* mallow's own options; true when s was one. */
static bool own_option(struct reader *r, const char *s) {
  if (strcmp(s, "-static-mallow") == 0) {
    r->req.static_mallow = true;
  } else if (strcmp(s, "-fgc-malloc") == 0 || strcmp(s, "-fno-gc-malloc") == 0) {
    r->req.gc_malloc = s[2] != 'n';
  } else if (starts(s, "-fgc-malloc=")) {
    const char *step = strchr(s, '=') + 1;
    if (strcmp(step, "1") != 0 && strcmp(step, "2") != 0 && strcmp(step, "4") != 0)
      fail("unknown argument '%s': expected 1, 2 or 4, of which pointers' addresses are multiples",
           s);
    r->req.gc_malloc = true;
    tell_plugin(format_text("step-%s", step));
  } else if (strcmp(s, "-Wmallow-tls") == 0 || strcmp(s, "-Wno-mallow-tls") == 0) {
    tell_plugin(s[2] == 'n' ? "no-tls" : "tls");
  } else if (strcmp(s, "-Wmallow-escape") == 0 || strcmp(s, "-Wno-mallow-escape") == 0) {
    tell_plugin(s[2] == 'n' ? "no-warn-escape" : "warn-escape");
  } else if (strcmp(s, "-fmallow-escape") == 0 || strcmp(s, "-fno-mallow-escape") == 0) {
    r->req.no_escape = s[2] == 'n';
  } else if (strcmp(s, "-m") == 0 || strcmp(s, "-m=1") == 0) {
    r->req.report = 1;
  } else if (strcmp(s, "-m=2") == 0) {
    r->req.report = 2;
  } else if (starts(s, "-m=")) {
    fail("unknown argument '%s': expected -m or -m=2, which report what escapes", s);
  } else if (starts(s, "-fmallow-summaries=")) {
    const char *old = getenv("MALLOW_SUMMARIES"), *file = strchr(s, '=') + 1;
    if (access(file, R_OK) != 0)
      fail("%s: %s: expected an object, archive or shared library", s, strerror(errno));
    setenv("MALLOW_SUMMARIES", format_text("%s%s%s", old ? old : "", old ? ":" : "", file), 1);
  } else if (strcmp(s, "-fno-mallow-summaries") == 0) {
    r->no_summaries = true;
  } else {
    return false;
  }
  return true;
}

static void tell_decisions(const struct request *req) {
  tell_plugin("summaries");
  if (req->decides) tell_plugin("decide");
  if (req->no_escape) tell_plugin("no-escape");
  if (req->gc_malloc) tell_plugin("gc-malloc");
  if (req->report) tell_plugin("report");
  if (req->report == 2) tell_plugin("report-flow");
  if (req->remarks) tell_plugin("remarks");
  if (req->debug == 1) tell_plugin("debug-lines");
}

struct request request_read(int argc, char **argv, struct args *pass) {
  struct reader r = {0};
  struct args words = {0};
  for (int i = 0; i < argc; i++) {
    const char *s = argv[i];
    if (own_option(&r, s)) continue;
    args_add(pass, s);
    if (s[0] == '@')
      args_read_response(&words, s + 1);
    else
      args_add(&words, s);
  }
  read_words(&r, &words);
  r.req.decides = !r.no_summaries;
  tell_decisions(&r.req);
  r.req.links = r.req.has_inputs && !r.stopped;
  renames_read(&r.req.renames, &words);
  r.req.decides = r.req.decides && !renames_any(&r.req.renames);
  if (r.no_summaries)
    unsetenv("MALLOW_SUMMARIES");
  else if (r.req.links && r.req.has_c && !r.req.no_escape && !renames_any(&r.req.renames))
    summaries_name(&r.linked, &r.folders);
  if (r.req.gc_malloc && r.req.asan)
    fail("-fgc-malloc cannot be combined with -fsanitize=address: both replace malloc");
  if (r.req.gc_malloc && r.req.links && r.req.static_libc)
    fail("-fgc-malloc cannot be combined with -static: the C library's own free must be replaced");
  free(words.at);
  free(r.linked.at);
  free(r.folders.at);
  return r.req;
}
