/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/modules.c -- globals of a shared library and of one opened with dlopen
 *
 *     modules [ROUNDS [PLUGIN.so [constructor]]]
 *
 * Their globals are roots as the program's are, from the first constructor to
 * dlclose.  The library and the plugin are the same source (modules_lib.c),
 * both compiled by mallow; the library has a constructor that allocates before
 * main, the plugin has one when the third argument says so.
 */
#include "churn.h"

#include "modules_lib.h"

#include <dlfcn.h>

struct plugin {
  void *library;
  __typeof__(lib_fill) *fill;
  __typeof__(lib_check) *check;
};

static struct plugin plugin_open(const char *path) {
  struct plugin p = {.library = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
  if (!p.library) {
    fprintf(stderr, "modules: %s\n", dlerror());
    exit(1);
  }
  p.fill = (__typeof__(p.fill))(uintptr_t)dlsym(p.library, "lib_fill");
  p.check = (__typeof__(p.check))(uintptr_t)dlsym(p.library, "lib_check");
  CHECK(p.fill && p.check);
  return p;
}

int main(int argc, char **argv) {
  churn_begin(argc, argv, 100);
  const char *path = argc > 2 ? argv[2] : NULL;
  bool constructor = argc > 3;
  CHECK(lib_check(0)); /* what the library's constructor has made */
  while (churn_round()) {
    uint64_t value = churn_below(1000000);
    struct plugin p = {0};
    if (path) {
      p = plugin_open(path);
      CHECK(p.fill != &lib_fill);
      if (constructor) CHECK(p.check(0));
      p.fill(value + 1);
    }
    lib_fill(value);
    churn_settle();
    churn_reuse(32, 100);
    CHECK(lib_check(value));
    if (path) {
      CHECK(p.check(value + 1));
      CHECK(dlclose(p.library) == 0);
    }
  }
  return churn_end();
}
