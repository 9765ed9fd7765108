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
 * How      One goroutine is inside the call; main runs collections (two stops
 *          each) as long as it is there.  The limits are parts of the call's own
 *          measured time, so they hold on a slow machine.  A stop that waits for
 *          the call would make the first collection last until its end; so at
 *          least COLLECTIONS_LEAST must end within it, the median stop must take
 *          less than a hundredth of it, and the longest less than half of it (a
 *          busy machine may keep a thread from running for tens of milliseconds,
 *          and so from answering).  For pause() the call ends after the
 *          collections, and the test is that they end at all.
 * Exit     0 fine, 1 a stop waited (the figures say how long), 64 usage
 */
#include "plain_lib.h"

#include <mallow.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A call this short cannot be told from the machine's noise: make SIZE larger. */
#define CALL_NS_LEAST INT64_C(50000000)
enum { COLLECTIONS_WHILE_PAUSED = 20, COLLECTIONS_LEAST = 5 };

static _Atomic bool inside, left, measured;
static _Atomic int64_t call_ns;
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

static void outside_goroutine(void *arg) {
  (void)arg;
  unsigned long *words = NULL;
  char *from = NULL, *to = NULL;
  if (strcmp(what, "qsort") == 0 || strcmp(what, "callback") == 0) words = shuffled(size);
  if (strcmp(what, "memcpy") == 0) {
    from = malloc(size << 20);
    to = malloc(size << 20);
    if (!from || !to) {
      puts("skipped: no memory for the copy");
      exit(0);
    }
    memset(from, 1, size << 20);
    memset(to, 2, size << 20);
  }
  int64_t before_ns = mw_nanotime();
  inside = true;
  if (strcmp(what, "qsort") == 0) plain_sort(words, size);
  if (strcmp(what, "callback") == 0) qsort(words, size, sizeof *words, by_value);
  if (strcmp(what, "memcpy") == 0) memcpy(to, from, size << 20);
  if (strcmp(what, "spin") == 0) plain_spin(size);
  if (strcmp(what, "pause") == 0) plain_wait();
  call_ns = mw_nanotime() - before_ns;
  left = true;
  while (!measured) mw_yield(); /* unmapping a gigabyte is not what is measured here */
  if (words)
    for (size_t i = 1; i < size; i++)
      if (words[i - 1] > words[i]) {
        puts("FAIL: not sorted");
        exit(1);
      }
  free(from);
  free(to);
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

  mw_go(outside_goroutine, NULL);
  while (!inside || (paused && !plain_waiting())) mw_yield();
  mw_read_mem_stats(stats);
  uint64_t max_before_ns = stats->max_pause_ns;
  int64_t longest_gc_ns = 0;
  int within = 0;
  while (!left && (!paused || within < COLLECTIONS_WHILE_PAUSED)) {
    int64_t before_ns = mw_nanotime();
    mw_gc();
    int64_t took_ns = mw_nanotime() - before_ns;
    if (left) break; /* it may have waited for the call's end */
    if (took_ns > longest_gc_ns) longest_gc_ns = took_ns;
    within++;
  }
  if (paused) plain_wake();
  while (!left) mw_yield();
  mw_read_mem_stats(stats);
  measured = true;
  uint64_t longest_ns = stats->max_pause_ns > max_before_ns ? stats->max_pause_ns : 0;
  uint64_t cycle_ns[256]; /* of the collections within the call, both stops added */
  uint32_t n = (uint32_t)within < 256 ? (uint32_t)within : 256;
  for (uint32_t i = 0; i < n; i++) cycle_ns[i] = stats->pause_ns[(stats->num_gc + 255 - i) % 256];
  qsort(cycle_ns, n, sizeof cycle_ns[0], by_value);
  uint64_t median_ns = n ? cycle_ns[n / 2] : 0;
  if (n && cycle_ns[n - 1] > longest_ns) longest_ns = cycle_ns[n - 1];
  printf("%s: call %.3f ms, %d collections within it, longest %.3f ms; stops: median %.3f ms, "
         "longest %.3f ms\n",
         what, (double)call_ns / 1e6, within, (double)longest_gc_ns / 1e6, (double)median_ns / 1e6,
         (double)longest_ns / 1e6);
  if (!paused && call_ns < CALL_NS_LEAST) {
    puts("FAIL: the call was too short to tell; pass a larger SIZE");
    return 1;
  }
  if (within < COLLECTIONS_LEAST) {
    puts("FAIL: too few collections ended within the call: a stop waited for it");
    return 1;
  }
  if (!paused && (median_ns * 100 > (uint64_t)call_ns || longest_ns * 2 > (uint64_t)call_ns)) {
    puts("FAIL: stops took too large a part of the call");
    return 1;
  }
  return 0;
}
