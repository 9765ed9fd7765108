/* SPDX-License-Identifier: MIT */
/* tests/programs/program.h -- what the programs here share */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <mallow.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      printf("FAIL: %s:%d: %s\n", __FILE__, __LINE__, #x);                                         \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

/* Marsaglia's xorshift. */
static inline uint64_t next_random(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  return *s ^= *s << 17;
}

#endif
