/* SPDX-License-Identifier: MIT */
/* bench/programs/big.c -- arrays of a hundred megabytes, of numbers and of pointers, one after
 * another */
#include "programs.h"

int main(int argc, char **argv) {
  size_t n = (size_t)number(argc, argv, 1, 100) << 17; /* words */
  long times = number(argc, argv, 2, 12);
  uint64_t state = 8, sum = 0;
  for (long t = 0; t < times; t++) {
    uint64_t *numbers = make_array(uint64_t, n);
    uint64_t **pointers = make_array(uint64_t *, n);
    for (size_t i = 0; i < n; i += 64) {
      uint64_t r = next_random(&state);
      numbers[i] = r;
      pointers[i] = &numbers[r % n];
    }
    for (size_t i = 0; i < n; i += 64) sum += *pointers[i];
    drop(pointers);
    drop(numbers);
  }
  printf("sum %lu\n", sum);
}
