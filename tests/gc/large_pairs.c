/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/large_pairs.c -- arrays, one pair after another: the next one's memory is the last one's
 *
 * Two of 16 MB live at a time, and a third may be kept by what a register still holds.  Whoever
 * collects after an array has its memory, not before, needs five to seven.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <mallow.h>

enum { WORDS = 2 << 20 };

static uint64_t fill(uint64_t seed) {
  uint64_t *numbers = mw_make(uint64_t, WORDS);
  uint64_t **pointers = mw_make(uint64_t *, WORDS);
  for (uint64_t i = 0; i < WORDS; i += 64) {
    if (numbers[i] || pointers[i]) abort(); /* not zero: the last one's */
    numbers[i] = seed + i;
    pointers[i] = &numbers[WORDS - 64 - i];
  }
  uint64_t sum = 0;
  for (uint64_t i = 0; i < WORDS; i += 64) sum += *pointers[i] - seed;
  return sum;
}

/* With an argument only what is in the arrays is looked at: the frames of a check build have room
 * for one more old pointer. */
int main(int argc, char **argv) {
  (void)argv;
  const uint64_t each = (uint64_t)WORDS * 8, want = (uint64_t)(WORDS / 64) * (WORDS - 64) / 2;
  for (uint64_t i = 0; i < 24; i++)
    if (fill(i) != want) abort();
  mw_mem_stats *stats = mw_new(mw_mem_stats);
  mw_read_mem_stats(stats);
  printf("%.1f arrays at most, %u collections\n", (double)stats->heap_sys / (double)each,
         stats->num_gc);
  if (argc == 1 && stats->heap_sys > each * 9 / 2) return 1;
  mw_gc(); /* nothing was charged twice, or left charged: the goal is what it would be anyway */
  mw_read_mem_stats(stats);
  if (stats->heap_alloc > 2 * each + (1 << 20) || stats->next_gc > 5 * each) return 1;
  puts("ok");
}
