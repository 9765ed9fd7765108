/* SPDX-License-Identifier: MIT */
/*
 * debug/line.h -- building one line of output where printf cannot be used (internal)
 *
 * Job      Traces, trace lines and complaints are built in a fixed buffer and
 *          leave in one write(2), so lines of several threads never mix.
 * Promise  No allocation, no lock, no locale: usable in a signal handler with
 *          any lock held.  What does not fit is cut; a final newline always
 *          fits.
 * Threads  a line belongs to its builder.
 */
#ifndef MWI_DEBUG_LINE_H
#define MWI_DEBUG_LINE_H

#include "base/base.h"

#define MWI_LINE_BYTES 2048 /* a path of PATH_MAX/2 with function names; lives on a stack */

struct mwi_line {
  size_t len; /* < MWI_LINE_BYTES */
  char buf[MWI_LINE_BYTES];
};

MWI_INLINE void mwi_line_init(struct mwi_line *l) {
  l->len = 0;
}
void mwi_line_bytes(struct mwi_line *l, const char *p, size_t n);
void mwi_line_str(struct mwi_line *l, const char *s); /* NULL: "(null)" */
void mwi_line_dec(struct mwi_line *l, int64_t v);
void mwi_line_udec(struct mwi_line *l, uint64_t v);
void mwi_line_hex(struct mwi_line *l, uint64_t v); /* with 0x */

/* Like mwi_line_str, with control characters shown as \xNN. */
void mwi_line_quoted(struct mwi_line *l, const char *s);

/* Append '\n', write everything to fd, start afresh.  0 or -errno. */
int mwi_line_end(struct mwi_line *l, int fd);

#endif
