/* SPDX-License-Identifier: MIT */
/* debug/knobs.h -- parsing of the environment, as its tests call it (internal) */
#ifndef MWI_DEBUG_KNOBS_H
#define MWI_DEBUG_KNOBS_H

#include "base/knobs.h"

/* Where values come from and complaints go to. */
struct mwi_knobs_source {
  const char *(*get)(void *ctx, const char *variable);     /* NULL: not set */
  void (*complain)(void *ctx, const char *line, size_t n); /* one line, with its newline */
  void *ctx;
};

/* Fill *k from src: defaults, then what is set and well-formed. */
void mwi_knobs_parse(struct mwi_knobs *k, const struct mwi_knobs_source *src);

#endif
