/* SPDX-License-Identifier: MIT */
/*
 * debug/profile.h -- profiles as tables of stacks and numbers (internal)
 *
 * A profile is collected into memory (profile.c and the file of its kind),
 * perhaps has an earlier one subtracted, and is then written: as pprof's
 * protobuf (proto.c) or as text (profile_text.c).
 *
 * Memory comes from libc's malloc: goroutine context or a thread of no
 * goroutine, no runtime lock held, the world running.
 */
#ifndef MWI_DEBUG_PROFILE_H
#define MWI_DEBUG_PROFILE_H

#include "base/base.h"

#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(sample) ((void)(sample))
#include <uthash.h>

#define MWI_PROFILE_VALUES 4
#define MWI_PROFILE_FRAMES 128 /* innermost frames kept of a stack; Go's limit */

/* What the numbers of a kind of profile mean. */
struct mwi_profile_kind {
  const char *name;
  int nvalues;
  struct mwi_profile_unit {
    const char *type, *unit;
  } value[MWI_PROFILE_VALUES], period;
  const char *default_type; /* NULL: the last */
};

struct mwi_sample {
  UT_hash_handle hh;
  int64_t value[MWI_PROFILE_VALUES];
  uint32_t n; /* frames */
  /* the key: bytes of one object, 0 for kinds without; then n program counters,
   * innermost first, as mwi_unwind_pc gives them */
  uintptr_t key[];
};

struct mwi_profile {
  const struct mwi_profile_kind *kind;
  int64_t period;
  int64_t time_ns, duration_ns; /* since 1970 when taken; 0: not over a time */
  struct mwi_sample *samples;   /* in order of their addition */
  bool failed;                  /* no memory: samples are missing */
};

/* Add value[] to the sample of this stack and object size. */
void mwi_profile_add(struct mwi_profile *p, size_t bytes, const uintptr_t *pc, size_t n,
                     const int64_t *value);
/* Subtract an earlier profile of the same kind; samples that end as zero go. */
void mwi_profile_subtract(struct mwi_profile *p, const struct mwi_profile *before);
void mwi_profile_free(struct mwi_profile *p);

/* Write as gzip'ed profile.proto.  0 or -errno; after an error what fd got is a
 * gzip member without its end, which no reader takes for whole. */
int mwi_profile_write_proto(const struct mwi_profile *p, int fd);
/* Write as Go's text (debug=1).  0 or -errno. */
int mwi_profile_write_text(struct mwi_profile *p, int fd);

/*
 * Take the profile called `name`: heap, allocs, goroutine, threadcreate, block,
 * mutex.  text: the numbers that the text form wants.  0 or -errno: -ENOENT no
 * such profile, -ENOMEM.  p is to be freed in every case.
 */
int mwi_profile_take(struct mwi_profile *p, const char *name, bool text);
/* Take and write; debug as mw_pprof_write's.  0 or -errno. */
int mwi_profile_write(const char *name, int fd, int debug);
/* The names, NULL at the end. */
extern const char *const mwi_profile_names[];

void mwi_profile_init(void);
void mwi_forked_init(void); /* forked.c */

/* Innermost `max` frames of the calling goroutine, the runtime's own left out. */
size_t mwi_profile_stack(uintptr_t *pc, size_t max);

#endif
