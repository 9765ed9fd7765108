/* SPDX-License-Identifier: MIT */
/*
 * os/tls.h -- where a thread keeps an image's thread-local variables (internal)
 *
 * Libraries opened by dlopen get their block in each thread at that thread's
 * first access, which nobody is told of.  So the collector asks, with the
 * world stopped, for every thread and image.
 */
#ifndef MWI_OS_TLS_H
#define MWI_OS_TLS_H

#include "base/base.h"

struct mwi_os_tls {
  size_t module;        /* the dynamic linker's number; used again after a dlclose */
  uintptr_t generation; /* of the linker's table when the image was loaded */
  size_t bytes;
  uintptr_t distance; /* the block is so far below each thread's pointer; 0: the table knows */
};

/* The image that addr lies in.  false: it has none.  Call it from the image's
 * constructor: takes locks of libc's, and makes the calling thread's block. */
bool mwi_os_tls_of(uintptr_t addr, struct mwi_os_tls *out);

/* The block of a stopped thread (or the caller), 0: it has none yet. */
uintptr_t mwi_os_tls_block(uintptr_t thread, const struct mwi_os_tls *t);

/* What libc keeps for the program where no variable leads: for fn, ranges of words.  A stopped
 * thread's values of pthread_setspecific and tss_set; and the process's environment, which putenv
 * may have given memory of the program's, or an assignment to environ.  init: before the first,
 * may take locks of libc's. */
typedef void mwi_os_words(void *arg, uintptr_t lo, uintptr_t hi);
void mwi_os_kept_init(void);
void mwi_os_specific(uintptr_t thread, mwi_os_words *fn, void *arg);
void mwi_os_environment(mwi_os_words *fn, void *arg);

/* What names the calling thread to mwi_os_tls_block. */
uintptr_t mwi_os_thread_pointer(void);

#endif
