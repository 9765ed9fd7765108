/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/test_stack.c -- stack slots: guards, sizes, reuse, lack of room [S1] [S2]
 *
 * Run once as the kernel is, and once with MADV_GUARD_INSTALL failing (the
 * argument `mprotect`), which older kernels do.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <mallow.h>

#include "os/inject.h"
#include "os/thread.h"
#include "sched/proc.h"
#include "sched/stack.h"

static bool no_markers;

static sigjmp_buf fault;
static void on_fault(int sig) {
  (void)sig;
  siglongjmp(fault, 1);
}

static bool faults(uintptr_t addr) {
  struct sigaction sa = {.sa_handler = on_fault}, segv, bus;
  sigaction(SIGSEGV, &sa, &segv);
  sigaction(SIGBUS, &sa, &bus);
  volatile bool faulted = true;
  if (sigsetjmp(fault, 1) == 0) {
    *(volatile char *)addr = 1;
    faulted = false;
  }
  sigaction(SIGSEGV, &segv, NULL);
  sigaction(SIGBUS, &bus, NULL);
  return faulted;
}

/* What the scheduler counts, for the adaptive size. */
static void goroutines(int n) {
  mwi_store_relaxed(&mwi_sched.ngoroutines, n);
}

/* A goroutine that owns s, so that faults can be told apart. */
static struct mwi_g owner;
static void own(const struct mwi_stack *s) {
  owner.stack = *s;
  mwi_stack_own(s, &owner);
}

static void check(const struct mwi_stack *s, size_t bytes) {
  assert_int_equal(s->hi - s->lo, bytes);
  assert_int_equal(s->hi % 16, 0);
  assert_false(faults(s->hi - 8));
  assert_false(faults(s->lo));
  assert_true(faults(s->lo - 1));
  assert_true(faults(s->lo - 4096));
  assert_true(faults(s->lo - MWI_STACK_TINY / 4)); /* of every slot */
  if (bytes >= MWI_STACK_BLOCK) {
    assert_true(faults(s->lo - MWI_STACK_BLOCK / 2));
    assert_true(faults(s->lo - MWI_STACK_BLOCK));
  }
  own(s);
  size_t limit = 0;
  assert_true(mwi_stack_guard_hit(s->lo - 1, &limit));
  assert_int_equal(limit, bytes);
  assert_false(mwi_stack_guard_hit(s->lo, &limit));
  assert_ptr_equal(mwi_stack_owner(s->hi - 1), &owner);
  owner.stack.hi = 0; /* as when it has ended */
  assert_null(mwi_stack_owner(s->hi - 1));
}

/* All free stacks give their memory back. */
static void age(void) {
  mwi_stack_age();
  mwi_stack_age();
  assert_false(mwi_stack_age_some());
}

static bool disjoint(const struct mwi_stack *a, const struct mwi_stack *b) {
  return a->hi <= b->lo || b->hi <= a->lo;
}

static void guards(void **state) {
  (void)state;
  enum { N = 40 }; /* more than a region holds at first */
  struct mwi_stack s[N];
  goroutines(0);
  for (int i = 0; i < N; i++) {
    assert_true(mwi_stack_take(&s[i], 0));
    check(&s[i], MWI_STACK_LARGE);
    for (int k = 0; k < i; k++) assert_true(disjoint(&s[i], &s[k]));
  }
  assert_int_equal(mwi_stack_inuse_slots(), N);
  for (int i = 0; i < N; i++) mwi_stack_put(&s[i]);
  assert_int_equal(mwi_stack_inuse_slots(), 0);
  size_t limit, sys = mwi_stack_sys_bytes();
  int on_this_stack;
  assert_false(mwi_stack_guard_hit((uintptr_t)&on_this_stack, &limit));
  for (int round = 0; round < 5; round++) { /* the same slots again */
    for (int i = 0; i < N; i++) assert_true(mwi_stack_take(&s[i], 0));
    check(&s[round], MWI_STACK_LARGE);
    for (int i = 0; i < N; i++) mwi_stack_put(&s[i]);
  }
  assert_int_equal(mwi_stack_sys_bytes(), sys);
}

/* Small ones are not handed out once goroutines are few again. */
static void few_again(void **state) {
  (void)state;
  static struct mwi_stack s[MWI_STACK_NLARGE + 100];
  enum { N = sizeof s / sizeof *s };
  size_t before = mwi_stack_inuse_slots();
  goroutines(N);
  for (int i = 0; i < N; i++) assert_true(mwi_stack_take(&s[i], 0));
  assert_int_equal(s[N - 1].hi - s[N - 1].lo, MWI_STACK_USABLE(MWI_STACK_SMALL));
  assert_true(mwi_stack_fits(&s[N - 1]));
  for (int i = 100; i < N; i++) mwi_stack_put(&s[i]);
  goroutines(10);
  mwi_stack_put(&s[99]);
  struct mwi_stack again;
  assert_false(mwi_stack_fits(&s[N - 1]));
  assert_true(mwi_stack_take(&again, 0));
  assert_int_equal(again.hi - again.lo, MWI_STACK_LARGE);
  assert_true(mwi_stack_fits(&again));
  mwi_stack_put(&again);
  for (int i = 0; i < 99; i++) mwi_stack_put(&s[i]);
  assert_int_equal(mwi_stack_inuse_slots(), before);
}

static void own_size(void **state) {
  (void)state;
  for (int round = 0; round < 2; round++) {
    size_t sys = mwi_stack_sys_bytes();
    for (int i = 0; i < 20; i++) {
      struct mwi_stack s, again;
      size_t bytes = (20 * MWI_KB << i % 15) + 4096 * (size_t)i;
      assert_true(mwi_stack_take(&s, bytes));
      check(&s, bytes);
      *(volatile char *)(s.hi - 8) = 1;
      mwi_stack_put(&s);
      assert_true(mwi_stack_take(&again, bytes)); /* warm */
      assert_int_equal(again.hi, s.hi);
      mwi_stack_put(&again);
      assert_true(mwi_stack_take(&again, bytes - 4096)); /* the guard moves */
      check(&again, bytes - 4096);
      mwi_stack_put(&again);
      age();
      assert_true(faults(s.hi - 8)); /* given back */
    }
    if (round) assert_int_equal(mwi_stack_sys_bytes(), sys);
  }
  assert_int_equal(mwi_stack_resident_slots(), mwi_stack_inuse_slots());
  struct mwi_stack s;
  assert_true(mwi_stack_take(&s, MWI_STACK_MAX));
  check(&s, MWI_STACK_MAX);
  mwi_stack_put(&s);
  assert_false(mwi_stack_take(&s, MWI_STACK_MAX + 1));
}

static void max_stack(void **state) {
  (void)state;
  goroutines(0);
  assert_int_equal(mw_set_max_stack(0), MWI_STACK_MAX);
  assert_int_equal(mw_set_max_stack(50000), MWI_STACK_MAX);
  struct mwi_stack s;
  for (int i = 0; i < 3; i++) {
    assert_true(mwi_stack_take(&s, 0));
    check(&s, mwi_align_up(50000, 4096));
    mwi_stack_put(&s);
  }
  assert_int_equal(mw_set_max_stack(1), mwi_align_up(50000, 4096));
  assert_int_equal(mw_set_max_stack(SIZE_MAX), 32 * MWI_KB);
  assert_int_equal(mw_set_max_stack(0), MWI_STACK_MAX);
}

/* Field `name` of a file, in KB. */
static size_t field_kb(const char *file, const char *name) {
  FILE *f = fopen(file, "r");
  assert_non_null(f);
  char line[256];
  size_t kb = 0;
  while (fgets(line, sizeof line, f))
    if (strncmp(line, name, strlen(name)) == 0) kb = strtoul(line + strlen(name), NULL, 10);
  fclose(f);
  return kb;
}

/* Counted page by page: status has VmRSS, from counts for each CPU that kernels before 6.16 do not
 * add up. */
static size_t resident_kb(void) {
  return field_kb("/proc/self/smaps_rollup", "Rss:") + field_kb("/proc/self/status", "VmPTE:");
}

static size_t mappings(void) {
  FILE *f = fopen("/proc/self/maps", "r");
  size_t n = 0;
  for (int c; (c = fgetc(f)) != EOF;) n += c == '\n';
  fclose(f);
  return n;
}

/* Sizes by number; memory of those that nobody uses goes back, page tables too. */
enum { MANY = MWI_STACK_NSMALL + 3000 };
static struct mwi_stack many[MANY];

static void sizes(void **state) {
  (void)state;
  goroutines(MANY);
  size_t small = 0, tiny = 0, live = mwi_stack_inuse_slots();
  age();
  size_t kb = resident_kb();
  for (int i = 0; i < MANY; i++) {
    assert_true(mwi_stack_take(&many[i], 0));
    small += many[i].hi - many[i].lo == MWI_STACK_USABLE(MWI_STACK_SMALL);
    tiny += many[i].hi - many[i].lo == MWI_STACK_USABLE(MWI_STACK_TINY);
    *(volatile char *)(many[i].hi - 8) = 1;
  }
  assert_int_equal(small, MWI_STACK_NSMALL - MWI_STACK_NLARGE);
  assert_int_equal(tiny, MANY - MWI_STACK_NSMALL + live);
  check(&many[MANY - 1], MWI_STACK_USABLE(MWI_STACK_TINY));
  check(&many[MANY - 300], MWI_STACK_USABLE(MWI_STACK_TINY));
  check(&many[MWI_STACK_NLARGE + 30], MWI_STACK_USABLE(MWI_STACK_SMALL));
  assert_true(resident_kb() - kb > 4 * MANY);
  assert_true(mappings() < 60000);
  for (int i = 0; i < MANY; i++) mwi_stack_put(&many[i]);
  age();
  size_t left = resident_kb() - kb;
  /* a sanitizer's shadow of the stacks stays */
  bool shadowed = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
  if (left > MANY / 10 && !shadowed) fail_msg("%zu KB left", left);
  assert_int_equal(mwi_stack_resident_slots(), live);
}

/* Holes: every block keeps one stack; the boundaries stay within the limit. */
static void sparse(void **state) {
  (void)state;
  age();
  uint32_t limit = mwi_stack_max_bounds;
  mwi_stack_max_bounds = mwi_stack_bounds() + 2 * MWI_STACK_NLARGE + 100;
  size_t maps = mappings(), live = mwi_stack_inuse_slots();
  goroutines(MANY);
  int n = 0;
  while (n < MANY && mwi_stack_take(&many[n], 0)) n++;
  if (n == MANY && !no_markers) {
    assert_true(mwi_stack_bounds() <= mwi_stack_max_bounds);
    uint32_t x = 1;
    for (int i = 0; i < MANY; i++) {
      x = x * 1103515245 + 12345;
      if (x >> 16 & 31) continue;
      struct mwi_stack keep = many[i];
      many[i] = many[--n];
      many[n] = keep;
    }
    for (int i = 0; i < n; i++) mwi_stack_put(&many[i]);
    age();
    assert_true(mwi_stack_bounds() <= mwi_stack_max_bounds);
    assert_true(mappings() < maps + 2 * (size_t)mwi_stack_max_bounds);
    for (int i = n; i < MANY; i += 50) check(&many[i], many[i].hi - many[i].lo);
    for (int i = 0; i < n; i++) {
      assert_true(mwi_stack_take(&many[i], 0));
      *(volatile char *)(many[i].hi - 8) = 1;
    }
    n = MANY;
    assert_true(mwi_stack_bounds() <= mwi_stack_max_bounds);
  } else { /* each stack costs two mappings, and the scheduler is told that they are short */
    assert_int_equal(n, MANY);
    assert_true(mwi_load_relaxed(&mwi_fold_at_park));
  }
  for (int i = 0; i < n; i++) mwi_stack_put(&many[i]);
  age();
  assert_int_equal(mwi_stack_inuse_slots(), live);
  assert_false(mwi_load_relaxed(&mwi_fold_at_park));
  mwi_stack_max_bounds = limit;
}

static void no_address_space(void **state) {
  (void)state;
  goroutines(0);
  size_t live = mwi_stack_inuse_slots();
  static struct mwi_stack s[100000];
  struct rlimit old, tight = {mwi_stack_sys_bytes() + 600 * MWI_MB, RLIM_INFINITY};
  getrlimit(RLIMIT_AS, &old);
  tight.rlim_max = old.rlim_max;
  struct mwi_stack big, other;
  assert_true(mwi_stack_take(&big, MWI_GB));
  assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
  int n = 1;
  s[0] = big;
  goroutines(1 << 20);
  while (n < 100000 && mwi_stack_take(&s[n], 0)) n++;
  assert_false(mwi_stack_take(&other, MWI_GB));
  setrlimit(RLIMIT_AS, &old);
  assert_true(n > 2000 && n < 100000); /* smaller regions were tried before giving up */
  assert_int_equal(mwi_stack_inuse_slots(), live + (size_t)n);
  for (int i = 0; i < n; i++) mwi_stack_put(&s[i]);
  assert_int_equal(mwi_stack_inuse_slots(), live);
}

int main(int argc, char **argv) {
  /* Where the kernel always gives them, a page of 2 MB for our own arrays is as much as `sizes`
   * allows for what is left. */
  (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  mwi_test_thread_init();
  mwi_rt_enter();
  no_markers = argc > 1 && strcmp(argv[1], "mprotect") == 0;
  if (no_markers) mwi_inject_states[MWI_INJECT_GUARD].from = 1;
  mwi_fold_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(guards),           cmocka_unit_test(few_again), cmocka_unit_test(own_size),
      cmocka_unit_test(max_stack),        cmocka_unit_test(sizes),     cmocka_unit_test(sparse),
      cmocka_unit_test(no_address_space),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
