/* SPDX-License-Identifier: MIT */
/*
 * heap/scavenge.c -- free pages back to the operating system
 *
 * Promise  What is released is free, reads as zero afterwards and counts in
 *          mwi_heap.released; pages in page caches are left alone.
 * How      From the highest address down, since new spans come from the lowest:
 *          what is up there is needed last.  A run is taken out of the free
 *          pages under the lock, released without it, and put back with its
 *          scavenged bits set.  A failing release puts it back as it was.
 * Threads  any number.  When to scavenge, and how much, is decided above.
 */
#include "heap/mheap.h"

size_t mwi_heap_scavenge(size_t bytes) {
  struct mwi_pagealloc *a = &mwi_mheap.pages;
  size_t done = 0;
  while (done < bytes) {
    size_t most = (bytes - done - 1) / MWI_PAGE_BYTES + 1, n = 0;
    mwi_lock(&mwi_mheap.lock);
    size_t page = mwi_pa_take_unscavenged(a, most, &n);
    mwi_mheap.in_hand += n;
    mwi_unlock(&mwi_mheap.lock);
    if (page == MWI_PA_NONE) break;

    size_t len = n * MWI_PAGE_BYTES;
    mwi_rt_enter();
    bool ok = mwi_os.release((char *)mwi_heap.base + page * MWI_PAGE_BYTES, len);
    mwi_rt_leave();

    mwi_lock(&mwi_mheap.lock);
    mwi_mheap.in_hand -= n;
    /* first, since who takes the pages subtracts it again */
    if (ok) mwi_add_relaxed(&mwi_heap.released, len);
    if (ok)
      mwi_pa_put_scavenged(a, page, n);
    else
      mwi_pa_free(a, page, n);
    mwi_unlock(&mwi_mheap.lock);
    if (!ok) break;
    done += len;
  }
  return done;
}
