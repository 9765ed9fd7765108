/* SPDX-License-Identifier: MIT */
/*
 * driver/paths.c -- where the plugin, the runtime and the headers are
 *
 * How      Relative to /proc/self/exe: <prefix>/bin/mallow, <prefix>/lib,
 *          <prefix>/include.  A build tree has the same folders but the
 *          headers; there lib/mallow-build-tree holds their folder's name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "driver.h"

struct paths paths;

static char *parent(char *path) {
  char *slash = strrchr(path, '/');
  if (slash && slash != path) *slash = 0;
  return path;
}

/* The first line of a file, or NULL. */
static char *first_line(const char *file) {
  FILE *f = fopen(file, "r");
  char *line = NULL;
  size_t cap = 0;
  if (!f) return NULL;
  ssize_t n = getline(&line, &cap, f);
  fclose(f);
  if (n <= 0) {
    free(line);
    return NULL;
  }
  line[strcspn(line, "\n")] = 0;
  return line;
}

void paths_init(void) {
  char *exe = realpath("/proc/self/exe", NULL);
  if (!exe) fail("cannot find the command's own folder: %s", strerror(errno));
  char *prefix = parent(parent(exe));
  paths.lib = format_text("%s/lib", prefix);
  paths.plugin = format_text("%s/libmallow-cc.so", paths.lib);
  if (access(paths.plugin, R_OK) != 0)
    fail("%s: %s: the installed tree is not whole (bin, lib and include move together)",
         paths.plugin, strerror(errno));
  char *note = format_text("%s/mallow-build-tree", paths.lib);
  paths.include = first_line(note);
  if (!paths.include) paths.include = format_text("%s/include", prefix);
  free(note);
  free(exe);
}
