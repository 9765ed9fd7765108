/* SPDX-License-Identifier: MIT */
/*
 * tests/debug/opened.c -- traces through libraries that come and go
 *
 * Two libraries of the same shape are opened and closed in turns, so that one
 * comes to lie where the other was; each trace must name the one that is there.
 * Arguments: their paths.
 */
#include <dlfcn.h>
#include <mallow.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char text[1 << 16];

static void take_trace(void) {
  FILE *f = tmpfile();
  if (!f) return;
  mw_print_goroutines(fileno(f));
  ssize_t n = pread(fileno(f), text, sizeof text - 1, 0);
  text[n > 0 ? n : 0] = 0;
  fclose(f);
}

int main(int argc, char **argv) {
  int failures = 0, same_place = 0;
  void *last = NULL;
  for (int round = 0; round < 3; round++)
    for (int i = 1; i < argc; i++) {
      void *lib = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
      if (!lib) return puts(dlerror()), 1;
      void (*call_back)(void (*)(void)) = (void (*)(void (*)(void)))dlsym(lib, "call_back");
      const char *(*name_here)(void) = (const char *(*)(void))dlsym(lib, "name_here");
      if (!call_back || !name_here) return puts(dlerror()), 1;
      same_place += last == (void *)call_back;
      last = (void *)call_back;
      call_back(take_trace);
      char wanted[64];
      snprintf(wanted, sizeof wanted, "\n%s(...)\n", name_here());
      if (!strstr(text, wanted) && ++failures) printf("%s is not in:\n%s\n", wanted + 1, text);
      dlclose(lib);
    }
  printf("%d times at the place of the one before\n", same_place);
  return failures != 0;
}
