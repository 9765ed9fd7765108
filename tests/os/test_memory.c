/* SPDX-License-Identifier: MIT */
/*
 * tests/os/test_memory.c -- address space, metadata, MALLOW_FAIL
 *
 * The real table first, then the metadata allocator over the fake one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake/fake_fatal.h"
#include "fake/fake_os.h"
#include "os/inject.h"
#include "os/os.h"
#include "os/thread.h"

static void reserve_commit_release(void **state) {
  (void)state;
  size_t align = 64 * MWI_MB;
  char *p = mwi_os.reserve(MWI_GB, align);
  assert_non_null(p);
  assert_int_equal((uintptr_t)p % align, 0);
  assert_true(mwi_os.commit(p + MWI_MB, MWI_MB));
  for (size_t i = 0; i < MWI_MB; i += 4096) assert_int_equal(p[MWI_MB + i], 0);
  memset(p + MWI_MB, 1, MWI_MB);
  assert_true(mwi_os.release(p + MWI_MB, MWI_MB));
  for (size_t i = 0; i < MWI_MB; i += 512) assert_int_equal(p[MWI_MB + i], 0);
  p[MWI_MB] = 1; /* committed still */
  mwi_os.unreserve(p, MWI_GB);
  assert_null(mwi_os.reserve((size_t)1 << 60, 4096)); /* more than there is */
}

static void injected_failures(void **state) {
  (void)state;
  setenv("MALLOW_FAIL", "mmap:3,madvise:1,nonsense,thread:0,mmap:", 1);
  mwi_inject_init();
  unsetenv("MALLOW_FAIL");
  assert_int_equal(mwi_inject_states[MWI_INJECT_MMAP].from, 3);
  assert_int_equal(mwi_inject_states[MWI_INJECT_MADVISE].from, 1);
  assert_int_equal(mwi_inject_states[MWI_INJECT_THREAD].from, 0);
  void *a = mwi_os.map(4096), *b = mwi_os.map(4096);
  assert_non_null(a);
  assert_non_null(b);
  assert_null(mwi_os.map(4096));        /* the third */
  assert_null(mwi_os.reserve(4096, 1)); /* and all later ones of the kind */
  assert_false(mwi_os.release(a, 4096));
  mwi_inject_states[MWI_INJECT_MMAP].from = mwi_inject_states[MWI_INJECT_MADVISE].from = 0;
  mwi_os.unreserve(a, 4096);
  mwi_os.unreserve(b, 4096);
}

/* Blocks are zero, aligned, and do not overlap. */
static void metadata(void **state) {
  (void)state;
  fake_os_install(MWI_GB);
  enum { N = 3000 };
  static unsigned char *block[N];
  static size_t bytes[N];
  unsigned x = 1;
  for (int i = 0; i < N; i++) {
    x = x * 1664525 + 1013904223;
    bytes[i] = x % 50 ? 1 + (x >> 16) % 700 : (x >> 8) % 300000;
    size_t align = (size_t)1 << (x >> 28);
    block[i] = mwi_meta_alloc(bytes[i], align);
    assert_int_equal((uintptr_t)block[i] % (align < 16 ? 16 : align), 0);
    for (size_t k = 0; k < bytes[i]; k++) assert_int_equal(block[i][k], 0);
    memset(block[i], i & 255, bytes[i]);
  }
  for (int i = 0; i < N; i++)
    for (size_t k = 0; k < bytes[i]; k++) assert_int_equal(block[i][k], i & 255);
  assert_true(mwi_meta_total() >= N * 300 && mwi_meta_total() < 40 * MWI_MB);
}

static void no_metadata(void **state) {
  (void)state;
  size_t before = mwi_meta_total();
  fake_os.fail_map_after = 0;
  EXPECT_FATAL("out of memory: the runtime asked for", mwi_meta_alloc(10 * MWI_MB, 64));
  fake_os.fail_map_after = -1;
  assert_int_equal(mwi_meta_total(), before);
  assert_non_null(mwi_meta_alloc(10 * MWI_MB, 64)); /* the lock is free */
}

int main(void) {
  mwi_test_thread_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reserve_commit_release),
      cmocka_unit_test(injected_failures),
      cmocka_unit_test(metadata),
      cmocka_unit_test(no_metadata),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
