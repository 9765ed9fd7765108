/* SPDX-License-Identifier: MIT */
/*
 * tests/os/test_space.c -- what strict overcommit leaves, read from a made-up /proc
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "os/os.h"

static char root[] = "/tmp/mallow-space-XXXXXX";

static void put(const char *path, const char *text) {
  char full[256];
  snprintf(full, sizeof full, "%s%s", root, path);
  FILE *f = fopen(full, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static int fresh(void **state) {
  (void)state;
  static const char *const folders[] = {"/proc", "/proc/sys", "/proc/sys/vm"};
  char full[256];
  if (!mkdtemp(root)) return -1;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    snprintf(full, sizeof full, "%s%s", root, folders[i]);
    if (mkdir(full, 0755) != 0) return -1;
  }
  return 0;
}
static int gone(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", root);
  return system(command);
}

static void promised(void **state) {
  (void)state;
  assert_int_equal(mwi_os_promised_limit(root), 0); /* no such file */
  put("/proc/sys/vm/overcommit_memory", "2\n");
  assert_int_equal(mwi_os_promised_limit(root), 0); /* not that one */
  put("/proc/meminfo", "MemTotal:  2000 kB\nCommitLimit:     1000 kB\nCommitted_AS:     300 kB\n");
  assert_int_equal(mwi_os_promised_limit(root), 700 * 1024);
  put("/proc/meminfo", "CommitLimit:     1000 kB\nCommitted_AS:   13000 kB\n");
  assert_int_equal(mwi_os_promised_limit(root), 1); /* more than there is: a limit all the same */
  put("/proc/meminfo", "MemTotal:        2000 kB\n");
  assert_int_equal(mwi_os_promised_limit(root), 0);
  put("/proc/meminfo", "CommitLimit:     1000 kB\nCommitted_AS:     300 kB\n");
  put("/proc/sys/vm/overcommit_memory", "0\n");
  assert_int_equal(mwi_os_promised_limit(root), 0); /* the kernel's default does not count */
  put("/proc/sys/vm/overcommit_memory", "1\n");
  assert_int_equal(mwi_os_promised_limit(root), 0);
}

static void address_space(void **state) {
  (void)state;
  struct rlimit old, less = {.rlim_cur = (rlim_t)1 << 45};
  assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
  less.rlim_max = old.rlim_max;
  if (old.rlim_cur < less.rlim_cur) less.rlim_cur = old.rlim_cur;
  bool strict;
  size_t before = mwi_os_space_limit(&strict); /* this machine may be a strict one */
  assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
  size_t n = mwi_os_space_limit(&strict);
  assert_int_equal(n, before && before < less.rlim_cur ? before : less.rlim_cur);
  assert_int_equal(strict, n != less.rlim_cur);
  assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
  assert_int_equal(mwi_os_space_limit(NULL), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(promised),
      cmocka_unit_test(address_space),
  };
  return cmocka_run_group_tests_name("os space", tests, fresh, gone);
}
