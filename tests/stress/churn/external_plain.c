/* SPDX-License-Identifier: MIT */
/* tests/stress/churn/external_plain.c -- see external_plain.h; compiled without the plugin */
#include "external_plain.h"

#include <stdint.h>

void plain_swap(void **a, void **b) {
  void *kept = *a;
  *a = *b;
  for (volatile int delay = 0; delay < 1000; delay++) {
  }
  *b = kept;
}

void plain_sort_pointers(void **words, size_t n) {
  for (size_t gap = n / 2; gap > 0; gap /= 2)
    for (size_t i = gap; i < n; i++) {
      void *word = words[i];
      size_t k = i;
      for (; k >= gap && (uintptr_t)words[k - gap] > (uintptr_t)word; k -= gap)
        words[k] = words[k - gap];
      words[k] = word;
    }
}
