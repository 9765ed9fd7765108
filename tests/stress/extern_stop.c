/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/extern_stop.c -- a stop does not wait for code that has no polls
 *
 *     extern_stop CASE [SIZE]
 *
 * Cases    qsort     libc's qsort of SIZE words, comparing in a plain library
 *          callback  the same, comparing in this file: instrumented code
 *                    without a loop, called from external code
 *          memcpy    libc's memcpy of SIZE MB, again and again
 *          spin      a loop in a plain library
 *          pause     pause() in a plain library
 * How      One goroutine is inside the call, again and again; main runs collections (two
 *          stops each) beside it.  Were a stop to wait for the call, no collection would begin
 *          and end within one call, but for one whose stop began just before the call's end.
 *          So ENOUGH of them must, in one of CALLS calls: whatever the machine
 *          does meanwhile, since nothing is compared with a clock.  pause() ends only after
 *          the collections, so there it is enough that they end at all.  The
 *          times of the stops are printed for whoever wants to know.
 * Exit     0 fine, 1 a stop waited, 64 usage
 */
#define _GNU_SOURCE 1
#include "plain_lib.h"

#include <mallow.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENOUGH = 5, CALLS = 40, PIECE = 32 << 20 };

static _Atomic int entered, left; /* calls begun, and ended */
static _Atomic bool enough, over;
static const char *what;
static size_t size;

static int by_value(const void *a, const void *b) {
  unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;
  return x < y ? -1 : x > y;
}

static unsigned long *shuffled(size_t n) {
  unsigned long *words = mw_alloc_noscan(n * sizeof *words), x = 88172645463325252u;
  for (size_t i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    words[i] = x;
  }
  return words;
}

static void call(unsigned long *words, char *to, const char *from) {
  entered++;
  if (strcmp(what, "qsort") == 0) plain_sort(words, size);
  if (strcmp(what, "callback") == 0) qsort(words, size, sizeof *words, by_value);
  if (strcmp(what, "memcpy") == 0) memcpy(to, from, size << 20);
  if (strcmp(what, "spin") == 0) plain_spin(size);
  if (strcmp(what, "pause") == 0) plain_wait();
  left++;
}

/* So many bytes that are one PIECE again and again: long to copy, and little memory. */
static char *repeated(size_t bytes) {
  int fd = memfd_create("piece", MFD_CLOEXEC);
  char *all = mmap(NULL, bytes + PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool ok = fd >= 0 && ftruncate(fd, PIECE) == 0 && all != MAP_FAILED;
  for (size_t at = 0; ok && at < bytes; at += PIECE)
    ok = mmap(all + at, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == all + at;
  if (!ok) {
    perror("FAIL: a piece of memory, repeated");
    exit(1);
  }
  close(fd);
  return all;
}

static void outside_goroutine(void *arg) {
  (void)arg;
  char *from = NULL, *to = NULL;
  if (strcmp(what, "memcpy") == 0) {
    from = repeated(size << 20);
    to = repeated(size << 20);
  }
  bool sorts = strcmp(what, "qsort") == 0 || strcmp(what, "callback") == 0;
  while (!enough && left < CALLS) {
    unsigned long *words = sorts ? shuffled(size) : NULL;
    call(words, to, from);
    for (size_t i = 1; sorts && i < size; i++)
      if (words[i - 1] > words[i]) {
        puts("FAIL: not sorted");
        exit(1);
      }
  }
  over = true;
}

/* The most collections that were within one call. */
static int collect_beside_calls(bool paused) {
  int most = 0, within = 0, last = -1;
  while (!over && !enough) {
    int ended = left;
    if (entered == ended || (paused && !plain_waiting())) {
      mw_yield();
      continue;
    }
    mw_gc();
    if (left != ended) continue;
    within = last == ended ? within + 1 : 1;
    last = ended;
    if (within > most) most = within;
    enough = most >= ENOUGH;
  }
  if (paused) plain_wake();
  while (!over) mw_yield();
  return most;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    size_t size;
  } cases[] = {{"qsort", 4000000},
               {"callback", 4000000},
               {"memcpy", 1024},
               {"spin", 500000000},
               {"pause", 1}};
  for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof cases[0]; i++)
    if (strcmp(argv[1], cases[i].name) == 0) {
      what = cases[i].name;
      size = argc > 2 ? strtoul(argv[2], NULL, 10) : cases[i].size;
    }
  if (!what || !size) {
    fputs("usage: extern_stop qsort|callback|memcpy|spin|pause [SIZE]\n", stderr);
    return 64;
  }
  if (mw_set_max_procs(0) < 2) mw_set_max_procs(2);
  bool paused = strcmp(what, "pause") == 0;
  mw_mem_stats *stats = mw_new(mw_mem_stats);

  mw_read_mem_stats(stats);
  uint32_t before = stats->num_gc;
  mw_go(outside_goroutine, NULL);
  int most = collect_beside_calls(paused);
  mw_read_mem_stats(stats);
  uint64_t cycle_ns[256]; /* both stops of each collection added */
  uint32_t n = stats->num_gc - before;
  if (n > 256) n = 256;
  for (uint32_t i = 0; i < n; i++) cycle_ns[i] = stats->pause_ns[(stats->num_gc + 255 - i) % 256];
  qsort(cycle_ns, n, sizeof cycle_ns[0], by_value);
  printf("%s: %d calls, %d collections within one; stops: median %.3f ms, longest %.3f ms\n", what,
         entered, most, n ? (double)cycle_ns[n / 2] / 1e6 : 0,
         n ? (double)cycle_ns[n - 1] / 1e6 : 0);
  if (most >= ENOUGH) return 0;
  printf("FAIL: in no call did %d collections begin and end: a stop waits for it\n", ENOUGH);
  return 1;
}
