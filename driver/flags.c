/* SPDX-License-Identifier: MIT */
/*
 * driver/flags.c -- `mallow flags --cflags | --libs`, for build systems that
 * call clang themselves.  cmake/mallow.pc.in and mallowConfig.cmake say the same.
 */
#include <stdio.h>
#include <string.h>
#include "driver.h"

int flags_main(int argc, char **argv) {
  bool cflags = false, libs = false;
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--cflags") == 0)
      cflags = true;
    else if (strcmp(argv[i], "--libs") == 0)
      libs = true;
    else
      fail("flags: unknown argument '%s'", argv[i]);
  }
  if (!cflags && !libs) fail("usage: mallow flags --cflags | --libs");
  if (cflags)
    printf("-I%s -fpass-plugin=%s -fno-omit-frame-pointer -Wno-return-stack-address "
           "-fno-discard-value-names -Xclang -fsanitize-address-use-after-scope "
           "-Xclang -fexperimental-assignment-tracking=disabled "
           "-Xclang -debug-info-kind=constructor",
           paths.include, paths.plugin);
  if (cflags && libs) putchar(' ');
  if (libs) printf("-L%s -Wl,-rpath,%s -lmallow", paths.lib, paths.lib);
  putchar('\n');
  return 0;
}
