/* SPDX-License-Identifier: MIT */
/* debug/gctrace.h -- the gctrace line as its tests build it (internal) */
#ifndef MWI_DEBUG_GCTRACE_H
#define MWI_DEBUG_GCTRACE_H

#include "base/gctrace.h"
#include "debug/line.h"

/* Append the record's line, without its newline. */
void mwi_gctrace_format(struct mwi_line *l, const struct mwi_gctrace_record *r);

#endif
