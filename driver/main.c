/* SPDX-License-Identifier: MIT */
/*
 * driver/main.c -- the `mallow` command: which subcommand
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "driver.h"
#include "mallow.h"

static const char usage[] =
    "usage: mallow cc CLANG-ARGUMENTS           compile and link, as clang\n"
    "       mallow run FILE.c [ARGUMENTS]       build to a temporary file and run\n"
    "       mallow flags --cflags | --libs      for build systems\n"
    "       mallow version\n"
    "       mallow-cc CLANG-ARGUMENTS           mallow cc, in one word\n"
    "\n"
    "mallow cc takes besides:\n"
    "  -m, -m=2                   say what is on the stack or the heap; 2: and why\n"
    "  -static-mallow             link libmallow.a instead of libmallow.so\n"
    "  -fgc-malloc                malloc's family allocates on the collected heap; nothing needs "
    "free\n"
    "  -fgc-malloc=1, 2 or 4      the same, and pointers may lie at any multiple of that\n"
    "  -fno-mallow-escape         no escape analysis\n"
    "  -fmallow-summaries=FILE    believe what FILE says of how its functions let pointers escape\n"
    "  -fno-mallow-summaries      believe no file\n"
    "  -Wno-mallow-escape         do not warn of addresses that outlive their frame\n"
    "  -Wno-mallow-tls            do not warn of thread-local variables\n"
    "\n"
    "environment: MALLOW_CLANG  the clang to use (default: clang-19)\n"
    "\n"
    "mallow(1) has the rest; mallow(7) what programs take from the environment: GOGC, GODEBUG, "
    "...\n";

void fail(const char *format, ...) {
  va_list ap;
  fputs("mallow: ", stderr);
  va_start(ap, format);
  vfprintf(stderr, format, ap);
  va_end(ap);
  fputc('\n', stderr);
  exit(1);
}

char *format_text(const char *format, ...) {
  char *s;
  va_list ap;
  va_start(ap, format);
  if (vasprintf(&s, format, ap) < 0) fail("out of memory");
  va_end(ap);
  return s;
}

/* Called as mallow-cc, by a link of that name: for build systems that take one word for a compiler,
 * or look at the word after `cc`. */
static bool is_compiler(const char *called) {
  const char *slash = strrchr(called, '/');
  return strcmp(slash ? slash + 1 : called, "mallow-cc") == 0;
}

int finish_output(void) {
  if (fflush(stdout) != 0 || ferror(stdout)) fail("standard output: %s", strerror(errno));
  return 0;
}

static void no_more(int argc, char **argv) {
  if (argc > 2) fail("%s: unexpected argument '%s': it takes none", argv[1], argv[2]);
}

int main(int argc, char **argv) {
  if (argc > 0 && is_compiler(argv[0])) {
    paths_init();
    return cc_main(argc - 1, argv + 1);
  }
  const char *sub = argc > 1 ? argv[1] : "";
  if (strcmp(sub, "--help") == 0 || strcmp(sub, "-h") == 0 || strcmp(sub, "help") == 0) {
    no_more(argc, argv);
    fputs(usage, stdout);
    return finish_output();
  }
  if (strcmp(sub, "version") == 0 || strcmp(sub, "--version") == 0) {
    no_more(argc, argv);
    puts("mallow " MW_VERSION);
    return finish_output();
  }
  paths_init();
  if (strcmp(sub, "cc") == 0) return cc_main(argc - 2, argv + 2);
  if (strcmp(sub, "run") == 0) return run_main(argc - 2, argv + 2);
  if (strcmp(sub, "flags") == 0) return flags_main(argc - 2, argv + 2);
  if (argc > 1)
    fail("unknown command '%s': expected cc, run, flags or version; mallow --help says more", sub);
  fputs(usage, stderr);
  return 1;
}
