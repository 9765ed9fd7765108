/* SPDX-License-Identifier: MIT */
/*
 * plugin/options.c -- the plugin's options
 *
 * Job      Reads MALLOW_CC from the environment once: words separated by
 *          commas, each an option's name or `no-` and the name.  The driver
 *          sets it from its own arguments (-Wno-mallow-tls).
 * How      An environment variable because -mllvm options of a plugin loaded
 *          with -fpass-plugin are parsed before the plugin exists, and because
 *          lld, started by clang, inherits it too.
 * Threads  Read when the plugin is loaded, constant after that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mallow-cc.h"

static struct mwcc_options options = {.warn_tls = true,
                                      .polls = true,
                                      .barriers = true,
                                      .fast_alloc = true,
                                      .escape = true,
                                      .warn_escape = true};

static const struct {
  const char *name;
  bool *value;
} table[] = {
    {"tls", &options.warn_tls},        {"polls", &options.polls},
    {"barriers", &options.barriers},   {"fast-alloc", &options.fast_alloc},
    {"escape", &options.escape},       {"warn-escape", &options.warn_escape},
    {"report", &options.report},       {"report-flow", &options.report_flow},
    {"remarks", &options.remarks},     {"summaries", &options.emit_summaries},
    {"gc-malloc", &options.gc_malloc}, {"debug-lines", &options.debug_lines},
    {"coarse", &options.coarse},       {"decide", &options.decide},
    {"step-1", &options.step_1},       {"step-2", &options.step_2},
    {"step-4", &options.step_4},
};

static void set(const char *word, size_t len) {
  bool value = !(len > 3 && strncmp(word, "no-", 3) == 0);
  const char *name = value ? word : word + 3;
  size_t n = value ? len : len - 3;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    if (strlen(table[i].name) == n && strncmp(table[i].name, name, n) == 0) {
      *table[i].value = value;
      return;
    }
  }
  if (len) fprintf(stderr, "mallow: unknown word in MALLOW_CC ignored: %.*s\n", (int)len, word);
}

__attribute__((constructor)) static void read_environment(void) {
  const char *s = getenv("MALLOW_CC");
  options.summaries = getenv("MALLOW_SUMMARIES");
  while (s && *s) {
    size_t n = strcspn(s, ",");
    set(s, n);
    s += n + (s[n] == ',');
  }
}

const struct mwcc_options *mwcc_options(void) {
  return &options;
}
