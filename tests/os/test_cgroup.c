/* SPDX-License-Identifier: MIT */
/*
 * tests/os/test_cgroup.c -- the kernel's memory limit, read from made-up folders
 *
 * Each test lays out a proc and a sys of its own below a temporary folder.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "os/os.h"

static char root[] = "/tmp/mallow-cgroup-XXXXXX";

static void put(const char *path, const char *text) {
  char full[8192];
  snprintf(full, sizeof full, "%s%s", root, path);
  for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
    *p = 0;
    mkdir(full, 0755);
    *p = '/';
  }
  FILE *f = fopen(full, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static int fresh(void **state) {
  (void)state;
  strcpy(root + sizeof root - 7, "XXXXXX");
  return mkdtemp(root) ? 0 : -1;
}
static int gone(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", root);
  return system(command);
}

#define V2_MOUNT "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNT "33 25 0:28 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"

static void version_2(void **state) {
  (void)state;
  put("/proc/self/cgroup", "0::/user.slice/app\n");
  put("/proc/self/mountinfo", "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n" V2_MOUNT);
  assert_true(mwi_os_cgroup_limit(root) == UINT64_MAX); /* no such file */
  put("/sys/fs/cgroup/user.slice/app/memory.max", "max\n");
  assert_true(mwi_os_cgroup_limit(root) == UINT64_MAX);
  put("/sys/fs/cgroup/user.slice/app/memory.max", "268435456\n");
  assert_true(mwi_os_cgroup_limit(root) == 268435456);
  put("/sys/fs/cgroup/user.slice/memory.max", "134217728\n"); /* one above is stricter */
  assert_true(mwi_os_cgroup_limit(root) == 134217728);
  put("/sys/fs/cgroup/memory.max", "1000000\n");
  assert_true(mwi_os_cgroup_limit(root) == 1000000);
}

static void version_1(void **state) {
  (void)state;
  put("/proc/self/cgroup", "9:name=systemd:/\n4:cpuset,memory:/jobs/7\n2:cpu:/elsewhere\n");
  put("/proc/self/mountinfo", V1_MOUNT);
  put("/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", "9223372036854771712\n");
  assert_true(mwi_os_cgroup_limit(root) == UINT64_MAX);
  put("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", "536870912\n");
  assert_true(mwi_os_cgroup_limit(root) == 536870912);
}

static void both_versions(void **state) {
  (void)state;
  put("/proc/self/cgroup", "4:memory:/a\n0::/b\n");
  put("/proc/self/mountinfo",
      V1_MOUNT "34 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "5000\n");
  put("/sys/fs/cgroup/unified/b/memory.max", "4000\n");
  assert_true(mwi_os_cgroup_limit(root) == 4000);
}

/* A container: what is mounted is the group's own folder. */
static void in_a_container(void **state) {
  (void)state;
  put("/proc/self/cgroup", "4:memory:/docker/abc/inner\n");
  put("/proc/self/mountinfo",
      "33 25 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "7000\n");
  put("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "6000\n");
  assert_true(mwi_os_cgroup_limit(root) == 6000);
  /* its name as seen from outside, or one that only begins alike */
  put("/proc/self/cgroup", "4:memory:/docker/abcd\n");
  assert_true(mwi_os_cgroup_limit(root) == 7000);
  put("/proc/self/cgroup", "4:memory:/docker/abc\n");
  assert_true(mwi_os_cgroup_limit(root) == 7000);
}

static void nonsense_is_no_limit(void **state) {
  (void)state;
  assert_true(mwi_os_cgroup_limit(root) == UINT64_MAX); /* nothing at all */
  static const char *const groups[] = {
      "", "\n", "0:", "0::", "0::x\n", ":::\n", "4:memory\n", "\n\n0::/g"};
  static const char *const limits[] = {"", "\n", "-1\n", "12k\n", "99999999999999999999999\n"};
  static const char *const mounts[] = {"",
                                       "\n",
                                       "1 2 3\n",
                                       "1 2 3 / /m",
                                       "1 2 3 / /m rw - cgroup2\n",
                                       "1 2 3 / /m rw - cgroup2 x",
                                       "- - - - -\n"};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++)
      for (size_t m = 0; m < sizeof mounts / sizeof *mounts; m++) {
        put("/proc/self/cgroup", groups[i]);
        put("/proc/self/mountinfo", mounts[m]);
        put("/m/g/memory.max", limits[k]);
        assert_true(mwi_os_cgroup_limit(root) == UINT64_MAX);
      }
  /* lines longer than any path are passed over */
  static char text[40000];
  memset(text, 'x', sizeof text - 1);
  strcpy(text + 30000, "\n0::/user.slice/app\n");
  put("/proc/self/cgroup", text);
  memset(text, ' ', 30000);
  strcpy(text + 30000, "\n" V2_MOUNT);
  put("/proc/self/mountinfo", text);
  put("/sys/fs/cgroup/user.slice/app/memory.max", "42"); /* and no line end is needed */
  assert_true(mwi_os_cgroup_limit(root) == 42);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(version_2, fresh, gone),
      cmocka_unit_test_setup_teardown(version_1, fresh, gone),
      cmocka_unit_test_setup_teardown(both_versions, fresh, gone),
      cmocka_unit_test_setup_teardown(in_a_container, fresh, gone),
      cmocka_unit_test_setup_teardown(nonsense_is_no_limit, fresh, gone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
