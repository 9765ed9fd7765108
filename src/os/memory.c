/* SPDX-License-Identifier: MIT */
/*
 * os/memory.c -- address space and pages from Linux
 *
 * Job      The memory half of the `mwi_os` table, and the allocator for the
 *          runtime's own structures.
 * How      Reserved ranges are PROT_NONE and MAP_NORESERVE, so that terabytes
 *          cost nothing; commit is mprotect (one mapping per boundary, not per
 *          call, since neighbours merge); release is MADV_DONTNEED, after
 *          which private anonymous pages read as zero.
 * Threads  the table's functions are as thread-safe as the system calls.
 *          mwi_meta_alloc: one lock.
 * Next     os/inject.c makes calls fail on purpose.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/inject.h"
#include "os/lock.h"
#include "os/os.h"

static void *os_reserve(size_t bytes, size_t align) {
  if (mwi_inject(MWI_INJECT_MMAP)) return NULL;
  size_t total = bytes + (align > mwi_os_page_bytes() ? align : 0);
  char *p = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return NULL;
  char *start = (char *)mwi_align_up((uintptr_t)p, align);
  if (start > p) munmap(p, (size_t)(start - p));
  if (p + total > start + bytes) munmap(start + bytes, (size_t)(p + total - (start + bytes)));
  return start;
}

static bool os_commit(void *p, size_t bytes) {
  if (mwi_inject(MWI_INJECT_MMAP)) return false;
  return mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;
}

static bool os_release(void *p, size_t bytes) {
  if (mwi_inject(MWI_INJECT_MADVISE)) return false;
  return madvise(p, bytes, MADV_DONTNEED) == 0;
}

static void os_unreserve(void *p, size_t bytes) {
  munmap(p, bytes);
}

static void *os_map(size_t bytes) {
  if (mwi_inject(MWI_INJECT_MMAP)) return NULL;
  void *p =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

void mwi_os_want_huge(void *p, size_t bytes) {
  madvise(p, bytes, MADV_HUGEPAGE);
}

struct mwi_os_ops mwi_os = {
    .reserve = os_reserve,
    .commit = os_commit,
    .release = os_release,
    .unreserve = os_unreserve,
    .map = os_map,
    .nanotime = mwi_os_monotonic,
};

size_t mwi_os_page_bytes(void) {
  static size_t bytes; /* idempotent: every thread computes the same value */
  if (!bytes) bytes = (size_t)sysconf(_SC_PAGESIZE);
  return bytes;
}

/* ---- Metadata ---------------------------------------------------------- */

#define META_CHUNK                                                                                 \
  (256 * MWI_KB) /* large enough to make mmap rare, small enough for `ulimit -v`                   \
                  */

struct mwi_lock mwi_meta_lock = MWI_LOCK_INIT(MWI_RANK_META);
static char *meta_next, *meta_end; /* under mwi_meta_lock */
static _Atomic size_t meta_bytes;  /* statistic */

void *mwi_meta_alloc(size_t bytes, size_t align) {
  if (align < 16) align = 16;
  mwi_lock(&mwi_meta_lock);
  char *p = (char *)mwi_align_up((uintptr_t)meta_next, align);
  if (meta_next && bytes <= (size_t)(meta_end - meta_next) && p + bytes <= meta_end) {
    meta_next = p + bytes;
    mwi_unlock(&mwi_meta_lock);
    return p;
  }
  /* A big request gets a mapping of its own; the current chunk goes on. */
  size_t chunk = bytes + align > META_CHUNK / 4 ? mwi_align_up(bytes + align, 4096) : META_CHUNK;
  char *m = mwi_os.map(chunk);
  if (!m) {
    mwi_unlock(&mwi_meta_lock);
    mwi_fatal("out of memory: the runtime asked for %zu bytes of metadata (%zu in use)", bytes,
              (size_t)mwi_load_relaxed(&meta_bytes));
  }
  mwi_add_relaxed(&meta_bytes, chunk);
  p = (char *)mwi_align_up((uintptr_t)m, align);
  if (chunk == META_CHUNK) {
    meta_next = p + bytes;
    meta_end = m + chunk;
  }
  mwi_unlock(&mwi_meta_lock);
  return p;
}

void *mwi_meta_take(struct mwi_meta_free *list, size_t bytes, size_t align) {
  void *record = list->first;
  if (!record) return mwi_meta_alloc(bytes, align);
  list->first = *(void **)record;
  return record;
}

void mwi_meta_give(struct mwi_meta_free *list, void *record) {
  *(void **)record = list->first;
  list->first = record;
}

void mwi_meta_count(size_t bytes) {
  mwi_add_relaxed(&meta_bytes, bytes);
}

size_t mwi_meta_total(void) {
  return mwi_load_relaxed(&meta_bytes);
}
