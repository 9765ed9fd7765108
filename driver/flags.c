/* SPDX-License-Identifier: MIT */
/*
 * driver/flags.c -- `mallow flags --cflags | --libs`, for build systems that
 * call clang themselves.  cmake/mallow.pc.in and mallowConfig.cmake say the same.
 */
#include <stdio.h>
#include <string.h>
#include "driver.h"

/* For make and `eval`, as pkg-config does: a backslash before what they would take apart. */
static void put_path(const char *option, const char *path) {
  fputs(option, stdout);
  for (; *path; path++) {
    if (strchr(" \t\\'\"$`&;()<>|*?[]#~", *path)) putchar('\\');
    putchar(*path);
  }
}

int flags_main(int argc, char **argv) {
  bool cflags = false, libs = false;
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--cflags") == 0)
      cflags = true;
    else if (strcmp(argv[i], "--libs") == 0)
      libs = true;
    else
      fail("flags: unknown argument '%s': expected --cflags or --libs", argv[i]);
  }
  if (!cflags && !libs) fail("flags: no argument: expected --cflags or --libs, or both");
  if (cflags) {
    put_path("-I", paths.include);
    put_path(" -fpass-plugin=", paths.plugin);
    printf(" -fno-omit-frame-pointer -Wno-return-stack-address "
           "-fno-discard-value-names -Xclang -fsanitize-address-use-after-scope "
           "-Xclang -fexperimental-assignment-tracking=disabled "
           "-Xclang -debug-info-kind=constructor");
  }
  if (cflags && libs) putchar(' ');
  if (libs) {
    put_path("-L", paths.lib);
    put_path(" -Wl,-rpath,", paths.lib);
    printf(" -lmallow");
  }
  putchar('\n');
  return finish_output();
}
