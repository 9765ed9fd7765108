/* SPDX-License-Identifier: MIT */
/*
 * debug/knobs.c -- GOGC, GOMEMLIMIT, GOMAXPROCS, GOTRACEBACK, GODEBUG
 *
 * Job      Turn the environment into `mwi_knobs` (base/knobs.h).
 * Promise  [KN1] A malformed value changes nothing but costs its own default:
 *          one line on stderr names the variable, the value and what was
 *          expected.  [KN2] Names in GODEBUG that are not in the table pass in
 *          silence, as in Go: the variable is shared with Go programs, which
 *          have names of their own.
 * How      Each variable has one parser over the text; GODEBUG is a table of
 *          name, field and range, so a new switch is one line.  An empty
 *          variable is one that is not set.
 * Threads  start-up, one thread.  No allocation.
 * Next     tests/debug/test_knobs.c; docs/design/debug.md, "Knobs"
 */
#include "debug/knobs.h"

#include <stdlib.h>

#include "debug/line.h"
#include "os/os.h"

#define DEFAULT_GOGC 100
#define DEFAULT_MEMPROFILERATE (512 * 1024)

struct mwi_knobs mwi_knobs;

/* [KN1]  `item`: the part of the value that is wrong, NULL for all of it. */
static void complain(const struct mwi_knobs_source *src, const char *variable, const char *value,
                     const char *item, const char *expected) {
  struct mwi_line l;
  mwi_line_init(&l);
  mwi_line_str(&l, "mallow: ");
  mwi_line_str(&l, variable);
  mwi_line_str(&l, "=");
  mwi_line_quoted(&l, value);
  if (item) {
    mwi_line_str(&l, ": ");
    mwi_line_quoted(&l, item);
  }
  mwi_line_str(&l, ": expected ");
  mwi_line_str(&l, expected);
  l.buf[l.len++] = '\n'; /* the byte that mwi_line_bytes leaves free */
  src->complain(src->ctx, l.buf, l.len);
}

/* All of [p, p + n) as a decimal number between lo and hi. */
static bool parse_int(const char *p, size_t n, int32_t lo, int32_t hi, int32_t *out) {
  bool negative = n && *p == '-';
  if (n && (*p == '-' || *p == '+')) p++, n--;
  if (n == 0) return false;
  int64_t v = 0;
  for (; n; p++, n--) {
    if (*p < '0' || *p > '9') return false;
    v = v * 10 + (*p - '0');
    if (v > (int64_t)INT32_MAX + 1) return false;
  }
  if (negative) v = -v;
  if (v < lo || v > hi) return false;
  *out = (int32_t)v;
  return true;
}

static void parse_gogc(struct mwi_knobs *k, const struct mwi_knobs_source *src, const char *v) {
  if (strcmp(v, "off") == 0)
    k->gogc = -1;
  else if (!parse_int(v, strlen(v), INT32_MIN, INT32_MAX, &k->gogc))
    complain(src, "GOGC", v, NULL, "a number of percent or \"off\"; using 100");
  if (k->gogc < 0) k->gogc = -1;
}

/* A number with an optional unit: B, KiB, MiB, GiB, TiB. */
static bool parse_bytes(const char *v, int64_t *out) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  uint64_t n = 0;
  if (*v == '+') v++; /* as Go */
  const char *p = v;
  for (; *p >= '0' && *p <= '9'; p++)
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (unsigned)(*p - '0'), &n))
      return false;
  if (p == v) return false;
  int shift = *p ? -1 : 0;
  for (int i = 0; i < 5; i++)
    if (strcmp(p, units[i]) == 0) shift = 10 * i;
  if (shift < 0 || n > (uint64_t)INT64_MAX >> shift) return false;
  *out = (int64_t)(n << shift);
  return true;
}

static void parse_gomemlimit(struct mwi_knobs *k, const struct mwi_knobs_source *src,
                             const char *v) {
  k->gomemlimit_given = true;
  if (strcmp(v, "off") == 0) return;
  if (!parse_bytes(v, &k->gomemlimit))
    complain(src, "GOMEMLIMIT", v, NULL,
             "bytes, with or without a unit (B, KiB, MiB, GiB, TiB), or \"off\"; using no limit");
}

static void parse_gomaxprocs(struct mwi_knobs *k, const struct mwi_knobs_source *src,
                             const char *v) {
  _Static_assert(MWI_MAX_PROCS == 1024, "the text below");
  if (!parse_int(v, strlen(v), 1, MWI_MAX_PROCS, &k->gomaxprocs))
    complain(src, "GOMAXPROCS", v, NULL,
             "a number of processors, 1 to 1024; using the number of CPUs");
}

static void parse_gotraceback(struct mwi_knobs *k, const struct mwi_knobs_source *src,
                              const char *v) {
  static const struct {
    const char *name;
    enum mwi_traceback_level level;
  } words[] = {
      {"none", MWI_TRACEBACK_NONE},     {"0", MWI_TRACEBACK_NONE},
      {"single", MWI_TRACEBACK_SINGLE}, {"all", MWI_TRACEBACK_ALL},
      {"1", MWI_TRACEBACK_ALL},         {"system", MWI_TRACEBACK_SYSTEM},
      {"2", MWI_TRACEBACK_SYSTEM},      {"crash", MWI_TRACEBACK_CRASH},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(v, words[i].name) == 0) {
      k->traceback = words[i].level;
      return;
    }
  complain(src, "GOTRACEBACK", v, NULL,
           "none, single, all, system, crash, 0, 1 or 2; using single");
}

/* GODEBUG's names.  A new one: a field in base/knobs.h and a line here. */
static const struct item {
  const char *name;
  size_t field; /* offset of an int32_t in struct mwi_knobs */
  int32_t max;  /* values are 0 (off) to max */
  const char *expected;
} items[] = {
    {"gctrace", offsetof(struct mwi_knobs, gctrace), 2, "gctrace=0, 1 or 2; ignored"},
    {"gcpacertrace", offsetof(struct mwi_knobs, gcpacertrace), 1, "gcpacertrace=0 or 1; ignored"},
    {"scavtrace", offsetof(struct mwi_knobs, scavtrace), 1, "scavtrace=0 or 1; ignored"},
    {"schedtrace", offsetof(struct mwi_knobs, schedtrace), INT32_MAX,
     "schedtrace=N, a number of milliseconds; ignored"},
    {"gcstoptheworld", offsetof(struct mwi_knobs, gcstoptheworld), 2,
     "gcstoptheworld=0, 1 or 2; ignored"},
    {"gccheckmark", offsetof(struct mwi_knobs, gccheckmark), 1, "gccheckmark=0 or 1; ignored"},
    {"clobberfree", offsetof(struct mwi_knobs, clobberfree), 1, "clobberfree=0 or 1; ignored"},
    {"cgroupmemlimit", offsetof(struct mwi_knobs, cgroupmemlimit), 1,
     "cgroupmemlimit=0 or 1; ignored"},
    {"hugepages", offsetof(struct mwi_knobs, hugepages), 1, "hugepages=0 or 1; ignored"},
    {"memprofilerate", offsetof(struct mwi_knobs, memprofilerate), INT32_MAX,
     "memprofilerate=N, a number of bytes of at least 0; ignored"},
    {"foldstress", offsetof(struct mwi_knobs, foldstress), 1, "foldstress=0 or 1; ignored"},
    {"gcstress", offsetof(struct mwi_knobs, gcstress), INT32_MAX,
     "gcstress=N, a number of at least 0; ignored"},
};

/* One item [p, p + n) of GODEBUG=v. */
static void parse_item(struct mwi_knobs *k, const struct mwi_knobs_source *src, const char *v,
                       const char *p, size_t n) {
  const char *eq = memchr(p, '=', n);
  size_t name = eq ? (size_t)(eq - p) : n;
  const char *expected = eq && name ? NULL : "name=value; ignored";
  for (size_t i = 0; eq && i < sizeof items / sizeof *items; i++) {
    if (strlen(items[i].name) != name || memcmp(items[i].name, p, name) != 0) continue;
    int32_t *field = (int32_t *)(void *)((char *)k + items[i].field);
    if (!parse_int(eq + 1, n - name - 1, 0, items[i].max, field)) expected = items[i].expected;
    break; /* [KN2] nothing found: nothing said */
  }
  if (!expected) return;
  char item[128];
  if (n >= sizeof item) n = sizeof item - 1;
  memcpy(item, p, n);
  item[n] = 0;
  complain(src, "GODEBUG", v, item, expected);
}

static void parse_godebug(struct mwi_knobs *k, const struct mwi_knobs_source *src, const char *v) {
  for (const char *p = v;;) {
    size_t n = strcspn(p, ",");
    if (n) parse_item(k, src, v, p, n);
    if (!p[n]) break;
    p += n + 1;
  }
}

void mwi_knobs_parse(struct mwi_knobs *k, const struct mwi_knobs_source *src) {
  static const struct {
    const char *variable;
    void (*parse)(struct mwi_knobs *k, const struct mwi_knobs_source *src, const char *value);
  } variables[] = {
      {"GOGC", parse_gogc},
      {"GOMEMLIMIT", parse_gomemlimit},
      {"GOMAXPROCS", parse_gomaxprocs},
      {"GOTRACEBACK", parse_gotraceback},
      {"GODEBUG", parse_godebug},
  };
  *k = (struct mwi_knobs){.gogc = DEFAULT_GOGC,
                          .gomemlimit = INT64_MAX,
                          .traceback = MWI_TRACEBACK_SINGLE,
                          .memprofilerate = DEFAULT_MEMPROFILERATE};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *v = src->get(src->ctx, variables[i].variable);
    if (v && *v) variables[i].parse(k, src, v);
  }
}

/* ---- The real environment ---------------------------------------------- */

static const char *get_environment(void *ctx, const char *variable) {
  (void)ctx;
  return mwi_os_getenv(variable);
}

static void complain_stderr(void *ctx, const char *line, size_t n) {
  (void)ctx;
  mwi_os_write(2, line, n);
}

void mwi_knobs_init(void) {
  static const struct mwi_knobs_source environment = {get_environment, complain_stderr, NULL};
  mwi_knobs_parse(&mwi_knobs, &environment);
}
