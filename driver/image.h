/* SPDX-License-Identifier: MIT */
/*
 * driver/image.h -- what has been linked, as far as escape analysis wrote into it
 */
#ifndef MALLOW_IMAGE_H
#define MALLOW_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct section {
  const char *text;
  size_t size;
};

struct image {
  const char *bytes;
  size_t size;
  struct section summaries, assumed, given, sites, symbols, strings;
  struct section moves; /* the bytes that say where variables live, and no others */
  uint64_t moves_at;    /* its address in memory */
};

/* Maps the file; its changes reach the file if `writable`.  False: there is no such file, or
 * it is no ELF file of ours. */
bool image_open(struct image *im, const char *file, bool writable);
void image_close(struct image *im);
/* The next line, without its end; false after the last. */
bool next_line(struct section *rest, struct section *line);

#endif
