/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/stacks/cell.h -- a word on a parked goroutine's stack that others reach
 *
 * The compiler moves a variable to the heap when its address leaves the frame,
 * and a heap word says nothing of stacks.  So the frame holds two words that
 * are found again by their values, and the address of the third goes out as an
 * integer, which no analysis follows.
 */
#ifndef STACKS_CELL_H
#define STACKS_CELL_H

#include <mallow.h>
#include <stdint.h>

#include "plain.h"

#define CELL_MAGIC 0x7f3a91c25be8d064u

/* Bytes of stacks that are folded now. */
static inline uint64_t stacks_folded(void) {
  mw_mem_stats s;
  mw_read_mem_stats(&s);
  return s.stack_folded;
}

/* Park in a receive from ch with a word on the stack, 0 at first; *at is its address from before
 * that on.  Returns what it holds afterwards. */
__attribute__((noinline, unused)) static uint64_t cell_hold(_Atomic uintptr_t *at, mw_chan *ch) {
  static volatile int zero;
  /* Three would do; but a runtime that is not optimised needs nearly a page below this frame, and
   * that is not worth folding. */
  volatile uint64_t words[128];
  int i = zero; /* with constant indices they would be three variables */
  words[i] = CELL_MAGIC;
  words[i + 1] = ~CELL_MAGIC;
  words[i + 2] = 0;
  uintptr_t sp;
  __asm__ volatile("movq %%rsp, %0" : "=r"(sp));
  *at = plain_find(sp, CELL_MAGIC) + 16;
  mw_chan_recv(ch, NULL);
  CHECK_EQ(words[i], CELL_MAGIC);
  CHECK_EQ(words[i + 1], ~CELL_MAGIC);
  return words[i + 2];
}

#endif
