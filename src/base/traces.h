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

#endif
