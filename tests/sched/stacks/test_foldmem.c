/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/test_foldmem.c -- compact buffers: disjoint, close fitting, given back [F1]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/inject.h"
#include "os/thread.h"
#include "sched/proc.h"
#include "sched/stack.h"

static uint32_t seed = 12345;
static uint32_t below(uint32_t n) {
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % n;
}

/* A model: each buffer is filled with its number, and checked when it goes. */
static void contents(void **state) {
  (void)state;
  enum { N = 2000 };
  static struct {
    unsigned char *p;
    size_t bytes;
  } b[N];
  for (int step = 0; step < 100000; step++) {
    uint32_t i = below(N);
    if (b[i].p) {
      for (size_t k = 0; k < b[i].bytes; k++) assert_int_equal(b[i].p[k], i & 0xff);
      mwi_foldmem_free(b[i].p);
      b[i].p = NULL;
      continue;
    }
    b[i].bytes = 1 + below(below(4) ? 700 : MWI_FOLD_MAX);
    b[i].p = mwi_foldmem_alloc(b[i].bytes);
    assert_non_null(b[i].p);
    assert_int_equal((uintptr_t)b[i].p % 16, 0);
    memset(b[i].p, (int)(i & 0xff), b[i].bytes);
  }
  for (int i = 0; i < N; i++)
    if (b[i].p) mwi_foldmem_free(b[i].p);
}

static void close_fitting(void **state) {
  (void)state;
  enum { N = 20000 };
  static void *p[N];
  for (size_t bytes = 100; bytes <= MWI_FOLD_MAX / 4; bytes = bytes * 7 / 5) {
    size_t before = mwi_foldmem_held();
    for (int i = 0; i < N; i++) p[i] = mwi_foldmem_alloc(bytes);
    size_t held = mwi_foldmem_held() - before, most = N * (bytes + bytes / 10 + 16) + (1 << 17);
    if (held > most) fail_msg("%zu bytes: %zu held, %zu at most", bytes, held, most);
    for (int i = 0; i < N; i++) mwi_foldmem_free(p[i]);
    assert_true(mwi_foldmem_held() <= before + 65536);
  }
}

static void no_memory(void **state) {
  (void)state;
  enum { N = 100000 };
  static void *p[N];
  assert_null(mwi_foldmem_alloc(MWI_FOLD_MAX + 1));
  mwi_inject_states[MWI_INJECT_MMAP].calls = 0;
  mwi_inject_states[MWI_INJECT_MMAP].from = 1;
  int n = 0;
  while (n < N && (p[n] = mwi_foldmem_alloc(4000))) n++;
  assert_true(n < N);
  mwi_inject_states[MWI_INJECT_MMAP].from = 0;
  assert_non_null(p[n++] = mwi_foldmem_alloc(4000));
  while (n-- > 0) mwi_foldmem_free(p[n]);
}

int main(void) {
  mwi_test_thread_init();
  mwi_rt_enter();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contents),
      cmocka_unit_test(close_fitting),
      cmocka_unit_test(no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
