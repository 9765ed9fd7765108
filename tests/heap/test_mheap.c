/* SPDX-License-Identifier: MIT */
/*
 * tests/heap/test_mheap.c -- reservation, growth, page cache, scavenging, and
 * what is left when the system refuses memory
 */
#include <sys/wait.h>
#include <unistd.h>

#include "heap/class.h"
#include "heap/heap_test.h"

static struct mwi_mcache *mc;

/* ---- Reservation --------------------------------------------------------- */

/* Reserve a heap in a process of its own with so much address space. */
static size_t reserved_under(size_t limit) {
  int fd[2];
  assert_int_equal(pipe(fd), 0);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    fake_os_install(limit);
    fake_fatal_expected = true;
    size_t got = 0;
    if (setjmp(fake_fatal_jump) == 0) {
      mwi_heap_init();
      got = mwi_heap.reserved;
    }
    _exit(write(fd[1], &got, sizeof got) != sizeof got);
  }
  size_t got = 1;
  assert_int_equal(read(fd[0], &got, sizeof got), sizeof got);
  waitpid(pid, NULL, 0);
  close(fd[0]);
  close(fd[1]);
  return got;
}

static void reservation_leaves_room(void **state) {
  (void)state;
  assert_true(reserved_under((size_t)64 << 40) >= (size_t)1 << 40);
  for (size_t limit = 300 * MWI_MB; limit < 64 * MWI_GB; limit = limit * 5 / 4) {
    size_t got = reserved_under(limit);
    assert_true(got >= limit / 4 - MWI_ARENA_BYTES && got >= MWI_ARENA_BYTES);
    assert_true(limit - got >= (limit < 6 * MWI_GB ? limit / 4 : 2 * MWI_GB));
    assert_int_equal(got % MWI_ARENA_BYTES, 0);
  }
  assert_int_equal(reserved_under(MWI_ARENA_BYTES), 0); /* fatal */
}

/* ---- Growth and zero memory ---------------------------------------------- */

static struct mwi_span *large(size_t bytes, bool *needzero) {
  struct mwi_span *s = mwi_large_alloc(mc, bytes, NULL, needzero);
  if (s) mwi_large_publish(s);
  return s;
}

/* Two cycles in which nothing is marked: a tiny block in use outlives the first. */
static void collect_everything(void) {
  for (int i = 0; i < 2; i++) {
    mwi_mcache_start_black_stw(mc);
    heap_end_marking(&mc, 1);
    heap_sweep_all();
    assert_true(mwi_sweep_done());
    mwi_heap_check_stw();
  }
  assert_int_equal(mwi_heap.inuse_pages, 0);
}

#define TEN_MB (10 * MWI_MB - 8) /* whole pages would be one more: heap/large.c */

static void fresh_memory_is_known_zero(void **state) {
  (void)state;
  bool needzero = true;
  struct mwi_span *s = large(TEN_MB, &needzero);
  assert_false(needzero);
  assert_int_equal(s->npages, 10 * MWI_MB / MWI_PAGE_BYTES);
  memset((void *)s->base, 1, s->slot);
  collect_everything();
  s = large(TEN_MB, &needzero);
  assert_true(needzero); /* the same pages, used */
  collect_everything();
}

static void whole_pages_have_one_more(void **state) {
  (void)state;
  bool needzero;
  assert_int_equal(large(63 * MWI_PAGE_BYTES, &needzero)->npages, 63);
  assert_int_equal(large(64 * MWI_PAGE_BYTES - 8, &needzero)->npages, 64);
  struct mwi_span *s = large(64 * MWI_PAGE_BYTES, &needzero);
  assert_int_equal(s->npages, 65);
  assert_int_equal(s->slot, 64 * MWI_PAGE_BYTES);
  assert_ptr_equal(mwi_desc_span(mwi_heap_lookup(s->base + s->slot)), s); /* its end is its own */
  collect_everything();
}

static void released_memory_is_known_zero(void **state) {
  (void)state;
  bool needzero = false;
  struct mwi_span *s = large(TEN_MB, &needzero);
  memset((void *)s->base, 1, s->slot);
  uintptr_t base = s->base;
  collect_everything();
  size_t before = mwi_heap.released;
  assert_true(mwi_heap_scavenge(SIZE_MAX) >= TEN_MB);
  assert_true(mwi_heap.released >= before + TEN_MB);
  assert_int_equal(mwi_heap.released, mwi_heap.committed);
  assert_int_equal(mwi_heap_scavenge(SIZE_MAX), 0);
  s = large(TEN_MB, &needzero);
  assert_int_equal(s->base, base);
  assert_false(needzero);
  for (size_t i = 0; i < s->slot; i += 512) assert_int_equal(*(char *)(s->base + i), 0);
  collect_everything();
}

/* [MH2] One page that is not known to be zero is enough. */
static void partly_released_memory_is_not(void **state) {
  (void)state;
  bool needzero;
  struct mwi_span *s = large(TEN_MB, &needzero);
  memset((void *)s->base, 1, s->slot);
  collect_everything();
  assert_int_equal(mwi_heap_scavenge(2 * MWI_MB), 2 * MWI_MB); /* of the end */
  s = large(TEN_MB, &needzero);
  assert_true(needzero);
  size_t ones = 0;
  for (size_t i = 0; i < s->slot; i += 512) ones += *(char *)(s->base + i) == 1;
  assert_true(ones > 0 && ones < s->slot / 512);
  collect_everything();
  mwi_heap_scavenge(SIZE_MAX);
}

static void scavenging_stops_when_refused(void **state) {
  (void)state;
  bool needzero;
  large(8 * MWI_MB - 8, &needzero);
  collect_everything();
  fake_os.fail_release_after = 2;
  size_t n = mwi_heap_scavenge(SIZE_MAX);
  assert_int_equal(n, 2 * 64 * MWI_PAGE_BYTES);
  mwi_heap_check_stw();
  fake_os.fail_release_after = -1;
  size_t some = mwi_heap_scavenge(3 * MWI_PAGE_BYTES);
  assert_int_equal(some, 3 * MWI_PAGE_BYTES);
  mwi_heap_check_stw();
}

static void growth_uses_the_free_end(void **state) {
  (void)state;
  collect_everything();
  mwi_heap_scavenge(SIZE_MAX);
  size_t used = mwi_heap.used;
  bool needzero;
  struct mwi_span *s = large(used + 5 * MWI_MB, &needzero);
  assert_int_equal(s->base, mwi_heap.base);
  assert_true(mwi_heap.used <= used + used / 8 + 8 * MWI_MB);
  collect_everything();
}

/* ---- A memory limit ------------------------------------------------------ */

static size_t room, asked;
static bool ask(size_t bytes) {
  if (bytes > room) return false;
  asked += bytes;
  return true;
}
static void told(size_t bytes) {
  asked -= bytes;
}

static void limit_refuses_before_anything_changes(void **state) {
  (void)state;
  collect_everything();
  mwi_heap_hooks.ask = ask;
  mwi_heap_hooks.told = told;
  mwi_heap_hooks.limited = true;
  room = 3 * MWI_PAGE_BYTES;
  size_t inuse = mwi_heap.inuse_pages, released = mwi_heap.released, charged;
  bool needzero;
  assert_null(mwi_large_alloc(mc, 8 * MWI_PAGE_BYTES, NULL, &needzero));
  assert_int_equal(mc->refused, 8 * MWI_PAGE_BYTES);
  assert_int_equal(mwi_heap.inuse_pages, inuse);
  assert_int_equal(mwi_heap.released, released);
  room = 0;
  mc->refused = 0;
  assert_null(mwi_mcache_alloc_slow(mc, mwi_class_untyped(64, true), &charged));
  assert_int_equal(mc->refused, MWI_PAGE_BYTES);
  assert_int_equal(charged, 0);
  mwi_heap_check_stw();

  mc->refused = 0; /* regardless */
  mc->unasked = true;
  assert_non_null(mwi_mcache_alloc_slow(mc, mwi_class_untyped(64, true), &charged));
  mc->unasked = false;
  room = SIZE_MAX;
  large(8 * MWI_PAGE_BYTES, &needzero);
  assert_int_equal(mc->refused, 0);
  assert_int_equal(asked, 0); /* each yes was followed by a word of what came of it */
  fake_os.fail_commit_after = 0;
  assert_null(mwi_large_alloc(mc, 64 * MWI_GB, NULL, &needzero));
  fake_os.fail_commit_after = -1;
  assert_true(mc->refused == 0 && asked == 0);
  mwi_heap_hooks.limited = false;
  collect_everything();
  mwi_heap_check_stw();
}

/* ---- Out of memory ------------------------------------------------------- */

static void too_large_changes_nothing(void **state) {
  (void)state;
  bool needzero;
  size_t used = mwi_heap.used;
  assert_null(mwi_large_alloc(mc, SIZE_MAX, NULL, &needzero));
  assert_null(mwi_large_alloc(mc, mwi_heap.reserved + 1, NULL, &needzero));
  assert_true(mwi_heap.used >= used);
  mwi_heap_check_stw();
}

/* Use up all free pages, then let the n-th commit or map fail. */
/* [MH1] Neither a struct nor a page is lost. */
static void refusals_cost_nothing(void **state) {
  (void)state;
  bool needzero;
  collect_everything();
  fake_os.fail_commit_after = 0;
  assert_null(large(mwi_heap.used + MWI_MB, &needzero));
  uint32_t structs = mc->nspan_cache;
  size_t meta = mwi_heap.meta_bytes, inuse = mwi_heap.inuse_pages;
  for (int i = 0; i < 5000; i++) assert_null(large(mwi_heap.used + MWI_MB, &needzero));
  assert_int_equal(mc->nspan_cache, structs);
  assert_int_equal(mwi_heap.meta_bytes, meta);
  assert_int_equal(mwi_heap.inuse_pages, inuse);
  fake_os.fail_commit_after = -1;
  collect_everything();
}

static void every_refusal_leaves_a_whole_heap(void **state) {
  (void)state;
  struct rng r = rng_start();
  collect_everything();
  size_t refused = 0;
  for (int round = 0; round < 200; round++) {
    fake_os.fail_commit_after = (long)rng_below(&r, 4);
    fake_os.fail_map_after = (long)rng_below(&r, 3);
    for (int i = 0; i < 5000; i++) {
      size_t n = 1 + rng_below(&r, rng_below(&r, 4) ? 300 : MWI_MAX_SMALL), charged;
      size_t inuse = mwi_heap.inuse_pages;
      bool needzero;
      bool got = rng_below(&r, 20) == 0 ? large(n + MWI_MAX_SMALL, &needzero) != NULL
                 : n < 16               ? mwi_mcache_alloc_tiny(mc, n, &charged) != NULL
                          : heap_alloc(mc, mwi_class_untyped(n, n % 2), &charged) != NULL;
      if (!got) {
        assert_int_equal(mwi_heap.inuse_pages, inuse);
        mwi_heap_check_stw();
        refused++;
        break;
      }
    }
    mwi_heap_check_stw();
    fake_os.fail_commit_after = fake_os.fail_map_after = -1;
    if (rng_below(&r, 30) == 0) collect_everything();
  }
  assert_true(refused > 20);
  collect_everything();
}

/* The end of the reservation is an ordinary lack of memory. */
static void reservation_runs_out(void **state) {
  (void)state;
  size_t charged, n = 0;
  while (heap_alloc(mc, mwi_class_untyped(MWI_MAX_SMALL, true), &charged)) n++;
  mwi_heap_check_stw();
  assert_int_equal(mwi_heap.used, mwi_heap.reserved);
  assert_true(n * MWI_MAX_SMALL <= mwi_heap.reserved);
  assert_true(n * MWI_MAX_SMALL > mwi_heap.reserved / 8 * 7);
  collect_everything();
  assert_non_null(heap_alloc(mc, mwi_class_untyped(MWI_MAX_SMALL, true), &charged));
  collect_everything();
}

int main(void) {
  mwi_test_thread_init();
  const struct CMUnitTest early[] = {cmocka_unit_test(reservation_leaves_room)};
  int failed = cmocka_run_group_tests(early, NULL, NULL);
  heap_start(700 * MWI_MB);
  mc = mwi_mcache_new();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fresh_memory_is_known_zero),
      cmocka_unit_test(whole_pages_have_one_more),
      cmocka_unit_test(released_memory_is_known_zero),
      cmocka_unit_test(partly_released_memory_is_not),
      cmocka_unit_test(scavenging_stops_when_refused),
      cmocka_unit_test(growth_uses_the_free_end),
      cmocka_unit_test(limit_refuses_before_anything_changes),
      cmocka_unit_test(too_large_changes_nothing),
      cmocka_unit_test(refusals_cost_nothing),
      cmocka_unit_test(every_refusal_leaves_a_whole_heap),
      cmocka_unit_test(reservation_runs_out),
  };
  return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
