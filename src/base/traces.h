/* SPDX-License-Identifier: MIT */
/*
 * base/traces.h -- a line of trace output (internal)
 *
 * gcpacertrace, scavtrace and schedtrace: the layer that knows the figures
 * formats them in Go's words; debug/traces.c writes the line.
 */
#ifndef MWI_BASE_TRACES_H
#define MWI_BASE_TRACES_H

/* Format and write to stderr in one write, never interleaved.  At most 4 KB.
 * Any stack; no libc malloc. */
void mwi_trace_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* v as Go prints it: the fewest digits that read back as v, whatever the locale;
 * with an exponent below 1e-4 and from 1e+6 on.  For %s in the same expression. */
struct mwi_real {
  char text[32];
};
struct mwi_real mwi_real(double v);

#endif
