/* SPDX-License-Identifier: MIT */
/*
 * tests/stress/churn/tiny.c -- pointer-free objects below 16 bytes, which share blocks
 *
 * Each keeps its own bytes, is aligned for its size, and keeps its block alive
 * when all its neighbours are dead.
 */
#include "churn.h"

enum { KEPT = 4096 };

static unsigned char *kept[KEPT];
static uint8_t size_of[KEPT], value_of[KEPT];

int main(int argc, char **argv) {
  churn_begin(argc, argv, 80);
  while (churn_round()) {
    for (int k = 0; k < 20000; k++) {
      uint32_t size = 1 + churn_below(15), i = churn_below(KEPT);
      unsigned char *p = mw_alloc_noscan(size);
      uintptr_t at = (uintptr_t)p;
      CHECK(size % 8 || at % 8 == 0);
      CHECK(size % 4 || at % 4 == 0);
      CHECK(size % 2 || at % 2 == 0);
      for (uint32_t b = 0; b < size; b++) CHECK(p[b] == 0);
      memset(p, (int)(k & 255), size);
      for (int b = 0; b < size_of[i]; b++) CHECK(kept[i][b] == value_of[i]);
      if (churn_below(4)) continue; /* most die at once */
      kept[i] = p;
      size_of[i] = (uint8_t)size;
      value_of[i] = (uint8_t)k;
    }
    for (int i = 0; i < KEPT; i++)
      for (int b = 0; b < size_of[i]; b++) CHECK(kept[i][b] == value_of[i]);
  }
  return churn_end();
}
