/* SPDX-License-Identifier: MIT */
/*
 * bench/programs/frag.c -- objects of changing sizes that live for changing times
 *
 * Each phase prefers other sizes than the one before; peak memory beside what
 * is live shows what a heap cannot use again.
 */
#include "programs.h"

int main(int argc, char **argv) {
  size_t live = (size_t)number(argc, argv, 1, 64) << 20;
  long phases = number(argc, argv, 2, 12);
  enum { SLOTS = 1 << 18 };
  char **held = make_array(char *, SLOTS);
  uint32_t *size = malloc(SLOTS * sizeof *size);
  uint64_t state = 5, sum = 0;
  size_t now = 0, most = 0, at = 0;
  memset(size, 0, SLOTS * sizeof *size);
  for (long p = 0; p < phases; p++) {
    size_t centre = (size_t)16 << (p * 5 % 9); /* 16 to 4096 */
    for (size_t put = 0; put < 4 * live;) {
      uint64_t r = next_random(&state);
      size_t bytes = centre + (r >> 8) % (3 * centre), i = r >> 40 & (SLOTS - 1);
      if (held[i]) sum += (unsigned char)held[i][size[i] - 1];
      now -= size[i];
      drop(held[i]);
      held[i] = make_bytes(bytes);
      for (size_t b = 0; b < bytes; b += 512) held[i][b] = (char)r;
      held[i][bytes - 1] = (char)r;
      size[i] = (uint32_t)bytes;
      now += bytes;
      put += bytes;
      for (; now > live; at = (at + 1) & (SLOTS - 1)) { /* not more than that */
        now -= size[at];
        size[at] = 0;
        drop(held[at]);
        held[at] = NULL;
      }
      if (now > most) most = now;
    }
  }
  printf("%zu MB live at most, sum %lu\n", most >> 20, sum);
}
