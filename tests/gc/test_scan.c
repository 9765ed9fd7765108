/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_scan.c -- which words keep which objects; the barrier's buffer
 *
 * Over a heap on the fake operating system.  Marking is on as far as these
 * parts can tell: mark bits, rings and the barrier's flag.
 */
#include "heap/heap_test.h"

#include <signal.h>
#include <sys/mman.h>

#include <mallow.h>

#include "gc/barrier.h"
#include "gc/mark.h"
#include "gc/roots.h"
#include "heap/class.h"

MWI_PRESERVE_MOST void mwi_rt_wb(void **slot, void *val);
MWI_PRESERVE_MOST void mwi_rt_wb_copy(void *dst, const void *src, uint64_t n);
MWI_PRESERVE_MOST void mwi_rt_wb_clear(void *dst, uint64_t n);
MWI_PRESERVE_MOST void mwi_rt_wb_piece(void *p, uint64_t value, uint64_t n);
MWI_PRESERVE_MOST void mwi_rt_wb_pieces(void *p, uint64_t n);
MWI_PRESERVE_MOST void mwi_rt_ext(void *callee, void *arg);

static struct mwi_mcache *mc;
static struct mwi_gcp w;

static uint32_t none_idle(void) {
  return 0;
}
static bool never(void) {
  return false;
}

static void *object(size_t bytes, bool noscan) {
  size_t charged;
  return heap_alloc(mc, mwi_class_untyped(bytes, noscan), &charged);
}
static void *large(size_t bytes) {
  bool needzero;
  struct mwi_span *s = mwi_large_alloc(mc, bytes, NULL, &needzero);
  if (needzero) memset((void *)s->base, 0, s->slot);
  mwi_large_publish(s);
  return (void *)s->base;
}
static void scan_word(uintptr_t word, bool with_ends) {
  uintptr_t stack[1] = {word};
  mwi_scan_conservative(&w, (uintptr_t)stack, (uintptr_t)(stack + 1), with_ends);
}
static void drain(void) {
  mwi_drain(&w, 0, NULL);
  w.head = w.tail = 0;
}

static void interior(void **state) {
  (void)state;
  for (size_t bytes = 16; bytes <= 4096; bytes *= 2) {
    char *a = object(bytes, false), *b = object(bytes, false), *c = object(bytes, false);
    scan_word((uintptr_t)b + bytes - 1, false);
    assert_true(heap_marked(b));
    assert_false(heap_marked(a));
    assert_false(heap_marked(c));
  }
  char *big = large(300000);
  scan_word((uintptr_t)big + 299999, false);
  assert_true(heap_marked(big));
  drain();
}

static void end_pointers(void **state) {
  (void)state;
  char *a = object(64, false), *b = object(64, false);
  assert_ptr_equal(a + 64, b); /* neighbours in a fresh span */
  scan_word((uintptr_t)b, false);
  assert_false(heap_marked(a)); /* in the heap: not an end pointer */
  scan_word((uintptr_t)b, true);
  assert_true(heap_marked(a)); /* on a stack it may be one */
  drain();
}

/* What does not fill its slot ends in it: the slot behind is not its end. */
static void ends_within_slots(void **state) {
  (void)state;
  static const uint64_t mask = 5; /* of 40 bytes in slots of 48, no other test's */
  struct mwi_layout part = {.size = 40, .align = 8, .period = 5, .mask = &mask};
  struct mwi_layout whole = {.size = 24, .align = 8, .period = 3, .mask = &mask};
  size_t charged;
  mwi_spanclass c = mwi_class_for(40, &part);
  assert_int_equal(mwi_classes[c].slot, 48);
  char *a = heap_alloc(mc, c, &charged), *b = heap_alloc(mc, c, &charged);
  assert_ptr_equal(a + 48, b);
  scan_word((uintptr_t)b, true);
  assert_true(heap_marked(b));
  assert_false(heap_marked(a));
  scan_word((uintptr_t)a + 40, true);
  assert_true(heap_marked(a));
  c = mwi_class_for(48, &whole); /* two of them: these end where the next begins */
  a = heap_alloc(mc, c, &charged), b = heap_alloc(mc, c, &charged);
  scan_word((uintptr_t)b, true);
  assert_true(heap_marked(a));
  /* A class that has had one that fills its slot is as before, whoever comes later. */
  struct mwi_layout more = {.size = 48, .align = 8, .period = 6, .mask = &mask};
  c = mwi_class_for(40, &(struct mwi_layout){.size = 40, .align = 8, .period = 6, .mask = &mask});
  a = heap_alloc(mc, c, &charged), b = heap_alloc(mc, c, &charged);
  assert_int_equal(mwi_class_for(48, &more), c);
  assert_int_equal(
      mwi_class_for(40, &(struct mwi_layout){.size = 40, .align = 8, .period = 6, .mask = &mask}),
      c);
  scan_word((uintptr_t)b, true);
  assert_true(heap_marked(a));
  drain();
}

/* Of a large object the end is known: what begins behind its last page is not its end. */
static void large_ends(void **state) {
  (void)state;
  char *part = large(64 * 1024 + 8), *behind = large(40000);
  assert_ptr_equal(part + 72 * 1024, behind);
  scan_word((uintptr_t)behind, true);
  assert_true(heap_marked(behind));
  assert_false(heap_marked(part)); /* it ends 8 KB before */
  scan_word((uintptr_t)part + 64 * 1024 + 8, true);
  assert_true(heap_marked(part));
  char *full = large(64 * 1024), *after = large(40000);
  assert_ptr_equal(full + 64 * 1024, after);
  scan_word((uintptr_t)after, true);
  assert_true(heap_marked(full)); /* it fills its pages */
  char *spare, *next = large(512 * 1024);
  do {
    spare = next;
    next = large(512 * 1024);
  } while (next != spare + 520 * 1024); /* a larger one has a page more */
  scan_word((uintptr_t)next, true);
  assert_false(heap_marked(spare));
  scan_word((uintptr_t)spare + 512 * 1024, false);
  assert_true(heap_marked(spare));
  drain();
}

static void not_pointers(void **state) {
  (void)state;
  char *a = object(48, false);
  static const uintptr_t words[] = {0, 1, 8, 0x7fffffffffff, UINTPTR_MAX, UINTPTR_MAX - 8};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) scan_word(words[i], true);
  scan_word(mwi_heap.base - 1, true);
  scan_word(mwi_heap.base + mwi_heap.reserved, true);
  scan_word(mwi_heap.base + mwi_heap.used, false); /* reserved, in no span */
  assert_false(heap_marked(a));
  assert_int_equal(w.head, w.tail);
}

/* Small random graphs: what is reachable by any word, and no more. */
static void graphs(void **state) {
  (void)state;
  struct rng r = rng_start();
  enum { N = 600 };
  static void **obj[N];
  static size_t words[N];
  static int to[N][4];
  for (int i = 0; i < N; i++) {
    words[i] = rng_below(&r, 20) ? 4 + rng_below(&r, 60) : 9000 + rng_below(&r, 40000);
    obj[i] = words[i] * 8 > MWI_MAX_SMALL ? large(words[i] * 8) : object(words[i] * 8, false);
  }
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 4; k++) {
      to[i][k] = rng_below(&r, 3) ? -1 : (int)rng_below(&r, N);
      if (to[i][k] < 0) continue;
      size_t at = words[i] * (size_t)k / 4; /* interior pointers as well */
      obj[i][at] = (char *)obj[to[i][k]] + rng_below(&r, words[to[i][k]] * 8);
    }
  static bool want[N];
  int todo[N * 4 + 3], n = 0;
  for (int i = 0; i < 3; i++) {
    todo[n++] = i;
    scan_word((uintptr_t)obj[i], false);
  }
  while (n) {
    int i = todo[--n];
    if (want[i]) continue;
    want[i] = true;
    for (int k = 0; k < 4; k++)
      if (to[i][k] >= 0) todo[n++] = to[i][k];
  }
  drain();
  for (int i = 0; i < N; i++) assert_int_equal(heap_marked(obj[i]), want[i]);
}

/* Masks of any length over memory of any length: the marked words and no others. */
static void masks(void **state) {
  (void)state;
  struct rng r = rng_start();
  enum { WORDS = 700, MASK = 400 };
  static void *obj[WORDS];
  static uintptr_t memory[WORDS];
  for (int round = 0; round < 300; round++) {
    uint32_t period = 1 + (uint32_t)rng_below(&r, rng_below(&r, 2) ? 70 : MASK);
    size_t words = rng_below(&r, WORDS + 1);
    uint64_t mask[(MASK + 63) / 64];
    for (size_t i = 0; i < sizeof mask / sizeof mask[0]; i++) /* bits past the period, too */
      mask[i] = rng_next(&r) & (rng_below(&r, 3) ? ~(uint64_t)0 : rng_next(&r) & rng_next(&r));
    for (size_t i = 0; i < WORDS; i++) memory[i] = (uintptr_t)(obj[i] = object(16, true));
    uintptr_t *cut = memory + rng_below(&r, words + 1); /* in two pieces, as long roots are */
    mwi_scan_masked(&w, (uintptr_t)memory, (uintptr_t)memory, (uintptr_t)cut, mask, period);
    mwi_scan_masked(&w, (uintptr_t)memory, (uintptr_t)cut, (uintptr_t)(memory + words), mask,
                    period);
    for (size_t i = 0; i < WORDS; i++) {
      uint32_t bit = (uint32_t)(i % period);
      assert_int_equal(heap_marked(obj[i]), i < words && (mask[bit / 64] >> bit % 64 & 1));
    }
    drain();
  }
}

/* A large object is scanned in pieces, whose borders the mask does not respect. */
static void large_masks(void **state) {
  (void)state;
  struct rng r = rng_start();
  for (int round = 0; round < 40; round++) {
    uint32_t period = 2 + (uint32_t)rng_below(&r, rng_below(&r, 2) ? 40 : 3000);
    static uint64_t mask[3100 / 64];
    for (size_t i = 0; i < sizeof mask / sizeof mask[0]; i++) mask[i] = rng_next(&r);
    mask[0] = (mask[0] | 1) & ~(uint64_t)2; /* neither none nor all */
    struct mwi_layout l = {.size = period * 8, .align = 8, .period = period, .mask = mask};
    size_t words = 5000 + rng_below(&r, 60000);
    bool needzero;
    struct mwi_span *s = mwi_large_alloc(mc, words * 8, &l, &needzero);
    assert_non_null(s);
    uintptr_t *big = (uintptr_t *)s->base;
    memset(big, 0, words * 8);
    mwi_large_publish(s);
    enum { SOME = 400 };
    static void *obj[SOME];
    static size_t at[SOME];
    for (size_t i = 0; i < SOME; i++) {
      obj[i] = object(16, true);
      do at[i] = rng_below(&r, words);
      while (big[at[i]]);
      big[at[i]] = (uintptr_t)obj[i];
    }
    scan_word((uintptr_t)big, false);
    drain();
    for (size_t i = 0; i < SOME; i++) {
      uint32_t bit = (uint32_t)(at[i] % period);
      assert_int_equal(heap_marked(obj[i]), mask[bit / 64] >> bit % 64 & 1);
    }
  }
}

/* ---- Barrier --------------------------------------------------------------- */

static void compiled_code(void) {
  mwi_rt_leave(); /* the stores come from outside the runtime */
}
static void test_code(void) {
  mwi_rt_enter();
}

static void both_halves(void **state) {
  (void)state;
  void **slot = object(16, false), *old = object(16, false), *new = object(16, false);
  *slot = old;
  compiled_code();
  mwi_rt_wb(slot, new);
  test_code();
  *slot = new;
  assert_false(heap_marked(old)); /* waits in the buffer */
  mwi_wb_flush(&w);
  assert_true(heap_marked(old));
  assert_true(heap_marked(new));
  assert_false(heap_marked(slot));
  drain();
}

static void full_buffer(void **state) {
  (void)state;
  enum { N = MWI_WB_ENTRIES * 3 };
  static void *old[N];
  void **slot = object(16, false);
  for (int i = 0; i < N; i++) {
    old[i] = object(24, false);
    *slot = old[i];
    compiled_code();
    mwi_rt_wb(slot, NULL);
    test_code();
    assert_true(w.nwb < MWI_WB_ENTRIES);
  }
  mwi_wb_flush(&w);
  for (int i = 0; i < N; i++) assert_true(heap_marked(old[i]));
  drain();
}

static void ranges(void **state) {
  (void)state;
  enum { N = 300 };
  void **dst = object(N * 8, false), **src = object(N * 8, false);
  void *was[N], *will[N];
  for (int i = 0; i < N; i++) {
    dst[i] = was[i] = object(16, false);
    src[i] = will[i] = object(16, false);
  }
  compiled_code();
  mwi_rt_wb_copy(dst, src, 100 * 8);
  mwi_rt_wb_clear(dst + 200, 100 * 8);
  test_code();
  mwi_wb_flush(&w);
  for (int i = 0; i < N; i++) {
    assert_int_equal(heap_marked(was[i]), i < 100 || i >= 200);
    assert_int_equal(heap_marked(will[i]), i < 100);
  }
  drain();
}

/*
 * A pointer is copied over another in pieces of every size, at every place in a word, from one
 * whose own place in a word is another: the first piece shows what was there, the last what comes.
 */
enum form { VALUE, AROUND, COPY, CLEAR };
static void in_pieces(enum form form, size_t size, size_t off, bool up) {
  char *dst = object(32, false), src[40], *from = src + off;
  void *was[2] = {object(16, false), object(16, false)};
  void *will[2] = {object(16, false), object(16, false)};
  memcpy(dst + 8, was, sizeof was);
  memcpy(from, will, sizeof will);
  /* `size` bytes at a time from 8 on, some of which lie in both words; the last is shorter */
  size_t step = (16 + size - 1) / size;
  for (size_t i = 0; i < step; i++) {
    size_t at = (up ? i : step - 1 - i) * size, n = 16 - at < size ? 16 - at : size;
    uint64_t value = 0;
    if (n <= 8) memcpy(&value, from + at, n);
    compiled_code();
    switch (form) {
    case VALUE:
      mwi_rt_wb_piece(dst + 8 + at, value | (n < 8 ? ~UINT64_C(0) << n * 8 : 0), n);
      break;
    case AROUND:
      mwi_rt_wb_pieces(dst + 8 + at, n);
      break;
    case COPY:
      mwi_rt_wb_copy(dst + 8 + at, from + at, n);
      break;
    case CLEAR:
      mwi_rt_wb_clear(dst + 8 + at, n);
      break;
    }
    memcpy(dst + 8 + at, from + at, n);
    if (form == AROUND) mwi_rt_wb_pieces(dst + 8 + at, n);
    test_code();
    mwi_wb_flush(&w);
    if (i) continue;
    assert_true(heap_marked(was[up || size >= 16 ? 0 : 1]));
    assert_true(size >= 8 || !heap_marked(was[up ? 1 : 0]));
  }
  for (int i = 0; i < 2; i++) {
    assert_true(heap_marked(was[i]));
    if (form != CLEAR) assert_true(heap_marked(will[i]));
  }
  drain();
}

static void pieces(void **state) {
  (void)state;
  for (size_t size = 1; size <= 16; size++)
    for (size_t off = 0; off < 8; off++)
      for (int up = 0; up < 2; up++) {
        if (size <= 8) in_pieces(VALUE, size, off, up);
        in_pieces(AROUND, size, off, up);
        in_pieces(COPY, size, off, up);
        in_pieces(CLEAR, size, off, up);
      }
}

/* A fault in the program's memory comes before a barrier has begun anything, since the handler may
 * leave by a jump [JP3]: the last byte's page may be another than those that steps come to. */
static char *shut;
static int shut_faults;
static int32_t rt_at_fault;
static void open_up(int sig, siginfo_t *info, void *context) {
  (void)context;
  char *at = info->si_addr;
  if (at < shut || at >= shut + 4096) {
    signal(sig, SIG_DFL);
    return;
  }
  shut_faults++;
  rt_at_fault = mwi_tcb()->rt;
  mprotect(shut, 4096, PROT_READ | PROT_WRITE);
}

static void faults_come_first(void **state) {
  (void)state;
  enum { PAGE = 4096, BYTES = PAGE + PAGE / 2 + 16 }; /* from the middle of a page into the third */
  char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(map != MAP_FAILED);
  char *there = map + PAGE / 2;
  void **heap = object(2 * PAGE, false);
  struct sigaction old, sa = {.sa_sigaction = open_up, .sa_flags = SA_SIGINFO};
  assert_int_equal(sigaction(SIGSEGV, &sa, &old), 0);
  shut_faults = 0;
  for (int page = 0; page < 3; page++)
    for (int what = 0; what < 3; what++) {
      shut = map + page * PAGE;
      assert_int_equal(mprotect(shut, PAGE, PROT_NONE), 0);
      rt_at_fault = -1;
      compiled_code();
      if (what == 0) mwi_rt_wb_copy(there, heap, BYTES);
      if (what == 1) mwi_rt_wb_copy(heap, there, BYTES);
      if (what == 2) mwi_rt_wb_clear(there, BYTES);
      test_code();
      assert_int_equal(rt_at_fault, 0);
      assert_int_equal(shut_faults, 3 * page + what + 1);
    }
  assert_int_equal(sigaction(SIGSEGV, &old, NULL), 0);
  munmap(map, 4 * PAGE);
  drain();
}

/* While a large range is recorded the cycle ends, and another one begins: what was recorded for the
 * old one is gone. */
static int polls, new_cycle_at;
static bool poll_in_between(void) {
  if (++polls == new_cycle_at) {
    mwi_gc_stats.ncycles++;
    w.nwb = 0;
  }
  return false;
}

static void ranges_across_cycles(void **state) {
  (void)state;
  enum { WORDS = 10 * 1024 }; /* 80 KB */
  mwi_gc_hooks.worker_poll = poll_in_between;
  /* never; in the range that is cleared or copied to; in the one that is copied from */
  for (new_cycle_at = 0; new_cycle_at < 5; new_cycle_at++)
    for (int copy = 0; copy < 2; copy++) {
      void **dst = large(WORDS * 8), **src = large(WORDS * 8);
      void *was[2] = {object(16, false), object(16, false)};
      void *will[2] = {object(16, false), object(16, false)};
      dst[0] = was[0], dst[WORDS - 1] = was[1];
      src[0] = will[0], src[WORDS - 1] = will[1];
      polls = 0;
      compiled_code();
      if (copy)
        mwi_rt_wb_copy(dst, src, WORDS * 8);
      else
        mwi_rt_wb_clear(dst, WORDS * 8);
      test_code();
      int least = copy ? 4 : 2; /* but what is begun again is done in one piece */
      assert_true(polls >= (new_cycle_at && new_cycle_at < least ? new_cycle_at : least));
      mwi_wb_flush(&w);
      for (int i = 0; i < 2; i++) {
        assert_true(heap_marked(was[i]));
        assert_int_equal(heap_marked(will[i]), copy);
      }
      drain();
    }
  mwi_gc_hooks.worker_poll = never;
}

/* At each opportunity there is a new cycle: it comes to an end all the same. */
static bool always_another(void) {
  polls++;
  mwi_gc_stats.ncycles++;
  w.nwb = 0;
  return false;
}

static void ranges_beside_short_cycles(void **state) {
  (void)state;
  enum { WORDS = 512 * 1024 }; /* 4 MB: 32 KB, 128 KB, 512 KB, 2 MB, all */
  mwi_gc_hooks.worker_poll = always_another;
  for (int copy = 0; copy < 2; copy++) {
    void **dst = large(WORDS * 8), **src = large(WORDS * 8), *was = object(16, false);
    dst[0] = was;
    polls = 0;
    compiled_code();
    if (copy)
      mwi_rt_wb_copy(dst, src, WORDS * 8);
    else
      mwi_rt_wb_clear(dst, WORDS * 8);
    test_code();
    assert_int_equal(polls, 4);
    mwi_wb_flush(&w);
    assert_true(heap_marked(was));
    drain();
  }
  mwi_gc_hooks.worker_poll = never;
}

/* The cycle ends meanwhile: what were marked now would seem scanned to the next one. */
static bool ends_cycle(void) {
  if (++polls == new_cycle_at) {
    mwi_tcb()->wb = 0;
    w.nwb = 0;
  }
  return false;
}

static void ranges_across_an_end(void **state) {
  (void)state;
  enum { WORDS = 10 * 1024 }; /* 80 KB */
  mwi_gc_hooks.worker_poll = ends_cycle;
  for (new_cycle_at = 1; new_cycle_at < 5; new_cycle_at++) {
    void **dst = large(WORDS * 8), **src = large(WORDS * 8), *o = object(16, false);
    for (int i = 0; i < WORDS; i++) dst[i] = src[i] = o;
    polls = 0;
    compiled_code();
    mwi_rt_wb_copy(dst, src, WORDS * 8);
    test_code();
    assert_int_equal(polls, new_cycle_at);
    assert_int_equal(w.nwb, 0);
    mwi_tcb()->wb = 1;
  }
  mwi_gc_hooks.worker_poll = never;
}

/* Its time slice is over: others run. */
static int pauses;
static bool slice_over(void) {
  return true;
}
static void pause_here(void) {
  assert_int_equal(mwi_tcb()->rt, 0);
  pauses++;
}

static void ranges_let_others_run(void **state) {
  (void)state;
  enum { WORDS = 10 * 1024 };
  void **dst = large(WORDS * 8), **src = large(WORDS * 8);
  mwi_gc_hooks.worker_poll = slice_over;
  mwi_gc_hooks.poll_here = pause_here;
  compiled_code();
  mwi_rt_wb_copy(dst, src, WORDS * 8);
  test_code();
  assert_int_equal(pauses, 4);
  mwi_gc_hooks.worker_poll = never;
  drain();
}

static void pointer_free_memory_has_none(void **state) {
  (void)state;
  void **dst = object(64, true);
  void *o = object(16, false);
  dst[0] = o;
  compiled_code();
  mwi_rt_wb_clear(dst, 64);
  test_code();
  mwi_wb_flush(&w);
  assert_false(heap_marked(o));
}

static void without_a_processor(void **state) {
  (void)state;
  void **slot = object(16, false), *o = object(16, false);
  *slot = o;
  mwi_tcb()->gcp = NULL;
  compiled_code();
  mwi_rt_wb(slot, NULL);
  test_code();
  mwi_tcb()->gcp = &w;
  assert_true(heap_marked(o));
  assert_true(mwi_work_any()); /* somebody else can scan it */
  drain();
}

/* A handler interrupts a push: the buffer is left alone. */
static void in_a_signal_handler(void **state) {
  (void)state;
  void **slot = object(16, false), *old = object(16, false), *new = object(16, false);
  *slot = old;
  w.nwb = MWI_WB_ENTRIES - 1;
  for (uint32_t i = 0; i < w.nwb; i++) w.wb[i] = 0;
  mwi_rt_wb(slot, new); /* rt > 0 */
  assert_int_equal(w.nwb, MWI_WB_ENTRIES - 1);
  assert_false(heap_marked(old));
  mwi_ext_rescan_stw(&w);
  assert_true(heap_marked(old));
  assert_true(heap_marked(new));
  w.nwb = 0;
  drain();
}

static void external_objects_again(void **state) {
  (void)state;
  void **array = object(64, false), *late = object(16, false), *later = object(16, false);
  mwi_ext_remember((uintptr_t)array, (uintptr_t)(array + 8));
  mwi_ext_remember((uintptr_t)array, (uintptr_t)(array + 8));
  array[5] = late; /* without a barrier */
  mwi_ext_rescan_stw(&w);
  assert_true(heap_marked(late));
  mwi_ext_reset_stw();
  array[6] = later;
  mwi_ext_rescan_stw(&w);
  assert_false(heap_marked(later));
  drain();
}

/* A span is taken off the queue for one object; before that is scanned another marker queues
 * it for another. */
static struct mwi_gcp elsewhere;
static void *marked_elsewhere;
static void mark_elsewhere(struct mwi_span *s) {
  (void)s;
  if (marked_elsewhere) mwi_grey(&elsewhere, (uintptr_t)marked_elsewhere);
  marked_elsewhere = NULL;
}
static void queued_while_it_is_dequeued(void **state) {
  (void)state;
  void **a = object(48, false), **b = object(48, false);
  void *of_a = a[0] = object(16, false), *of_b = b[0] = object(16, false);
  mwi_grey(&w, (uintptr_t)a);
  marked_elsewhere = b;
  mwi_mark_dequeued = mark_elsewhere;
  drain();
  mwi_mark_dequeued = NULL;
  assert_true(heap_marked(of_a));
  mwi_drain(&elsewhere, 0, NULL);
  assert_true(heap_marked(of_b));
}

/* What a handle or a root holds or held is shaded where that changes: the job that scans them may
 * have passed. */
static void handles_and_roots(void **state) {
  (void)state;
  void *in = object(16, false), *out = object(16, false), *got = object(16, false);
  static void *memory[3];
  mw_handle h = mw_handle_new(in);
  mwi_wb_flush(&w);
  assert_true(heap_marked(in));
  mwi_tcb()->wb = 0;
  mw_handle early = mw_handle_new(out), other = mw_handle_new(got);
  mwi_tcb()->wb = 1;
  mwi_wb_flush(&w);
  assert_true(!heap_marked(out) && !heap_marked(got));
  assert_ptr_equal(mw_handle_get(other), got);
  mw_handle_free(early);
  mw_handle_free(h);
  mwi_wb_flush(&w);
  assert_true(heap_marked(out) && heap_marked(got));
  void *added = memory[1] = object(16, false);
  mw_root_add(memory, sizeof memory);
  mwi_wb_flush(&w);
  assert_true(heap_marked(added));
  void *removed = memory[2] = object(16, false);
  mw_root_remove(memory);
  mwi_wb_flush(&w);
  assert_true(heap_marked(removed));
  drain();
}

static void external(void) {} /* neither compiled by mallow nor runtime */

static void call_external(void *arg) {
  compiled_code();
  mwi_rt_ext((void *)external, arg);
  test_code();
  mwi_wb_flush(&w);
}

/* An argument is shaded with all that its object holds, at each call; and the object is looked
 * at again. */
static void given_to_external_code(void **state) {
  (void)state;
  void **arg = object(64, false), *first = object(16, false), *second = object(16, false);
  void *third = object(16, false);
  arg[1] = first;
  call_external(arg + 3);
  assert_true(heap_marked(arg) && heap_marked(first));
  arg[1] = second; /* by external code */
  call_external(arg);
  assert_true(heap_marked(second));
  arg[1] = third;
  mwi_ext_rescan_stw(&w);
  assert_true(heap_marked(third));
  mwi_ext_reset_stw();
  call_external((void *)5);
  call_external(NULL);
  drain();
}

/* All of a large object is shaded by the first call of a cycle; what it holds later is found by
 * the look before the stop. */
static void large_given_to_external_code(void **state) {
  (void)state;
  enum { N = 20000 };
  void **arg = large(N * sizeof *arg), *last = object(16, false), *later = object(16, false);
  arg[N - 1] = last;
  call_external(arg);
  assert_true(heap_marked(last));
  arg[N / 2] = later;
  call_external(arg + 1);
  assert_false(heap_marked(later));
  mwi_ext_rescan_stw(&w);
  assert_false(heap_marked(later)); /* the stop has no time for it */
  mwi_ext_rescan_early();
  assert_true(heap_marked(later));
  mwi_ext_reset_stw();
  void *next = object(16, false);
  arg[7] = next; /* another cycle */
  call_external(arg);
  assert_true(heap_marked(next));
  mwi_ext_reset_stw();
  drain();
}

/* Of many objects the newest are left to the stop; each is looked at by one or the other, and a
 * second time it does not count. */
static void many_given_to_external_code(void **state) {
  (void)state;
  enum { N = 30000 };
  static void **given[N], *in[N];
  for (int i = 0; i < N; i++) {
    given[i] = object(64, false);
    in[i] = object(16, false);
    mwi_ext_remember((uintptr_t)given[i], (uintptr_t)(given[i] + 8));
    for (int k = i > 50 ? i - 50 : 0; k < i; k++)
      mwi_ext_remember((uintptr_t)given[k], (uintptr_t)(given[k] + 8));
  }
  for (int i = 0; i < N; i++) given[i][i % 8] = in[i];
  mwi_ext_rescan_early();
  int early = 0;
  for (int i = 0; i < N; i++) early += heap_marked(in[i]);
  assert_true(heap_marked(in[0]) && !heap_marked(in[N - 1]));
  assert_in_range(early, N - 64 * 1024 / 64, N - 1);
  mwi_ext_rescan_stw(&w);
  for (int i = 0; i < N; i++) assert_true(heap_marked(in[i]));
  mwi_ext_reset_stw();
  drain();
}

int main(void) {
  heap_start(4 * MWI_GB);
  mwi_gc_hooks.idle_procs = none_idle;
  mwi_gc_hooks.worker_poll = never;
  mc = mwi_mcache_new();
  mwi_tcb()->mcache = mc;
  mwi_tcb()->gcp = &w;
  static char processor[64];
  mwi_tcb()->p = (struct mwi_p *)processor;
  mwi_tcb()->wb = 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(interior),
      cmocka_unit_test(end_pointers),
      cmocka_unit_test(ends_within_slots),
      cmocka_unit_test(large_ends),
      cmocka_unit_test(not_pointers),
      cmocka_unit_test(graphs),
      cmocka_unit_test(masks),
      cmocka_unit_test(large_masks),
      cmocka_unit_test(both_halves),
      cmocka_unit_test(full_buffer),
      cmocka_unit_test(ranges),
      cmocka_unit_test(pieces),

      cmocka_unit_test(faults_come_first),
      cmocka_unit_test(ranges_across_cycles),
      cmocka_unit_test(ranges_beside_short_cycles),
      cmocka_unit_test(ranges_across_an_end),
      cmocka_unit_test(ranges_let_others_run),
      cmocka_unit_test(pointer_free_memory_has_none),
      cmocka_unit_test(without_a_processor),
      cmocka_unit_test(in_a_signal_handler),
      cmocka_unit_test(external_objects_again),
      cmocka_unit_test(queued_while_it_is_dequeued),
      cmocka_unit_test(handles_and_roots),
      cmocka_unit_test(given_to_external_code),
      cmocka_unit_test(large_given_to_external_code),
      cmocka_unit_test(many_given_to_external_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
