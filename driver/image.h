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
};

/* Maps the file; its changes reach the file if `writable`.  False: there is no such file, or
 * it is no ELF file of ours. */
bool image_open(struct image *im, const char *file, bool writable);
void image_close(struct image *im);
/* What is at this address in memory, and how many bytes from there to the section's end; NULL: the
 * file has none. */
char *image_byte(const struct image *im, uint64_t address, size_t *room);
/* The next line, without its end; false after the last. */
bool next_line(struct section *rest, struct section *line);

#endif
