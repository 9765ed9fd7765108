/* SPDX-License-Identifier: MIT */
/*
 * gc/gcmalloc.c -- the malloc family on the collected heap (mallow cc -fgc-malloc)
 *
 * Job      Code compiled with -fgc-malloc calls these in place of libc's
 *          functions (plugin/libc.c).  What they return is collected.  free()
 *          is not needed; it gives the memory to the next malloc of that size.
 * Promise  [GM1] Alignment, errno and NULL are C's and POSIX's: memory for any
 *          type, no shared address for size 0, ENOMEM rather than the runtime's
 *          fatal error.
 *          [GM2] Pointers from libc's own heap (getline's line, what a library
 *          allocated) are welcome in free, realloc, malloc_usable_size and go
 *          back to libc; pointers from here may be given to libc's functions
 *          that reallocate (src/gcmalloc/interpose.c).
 *          [GM4] What is freed is used again at once, unless a collection is under way,
 *          the object is large, or it has a finalizer: then the collector finds it.
 *          [GM3] A pointer into the middle of an object, as large alignments
 *          give, keeps all of it.
 * How      Types are not known, so every word may be a pointer.  Sizes are
 *          rounded to 16 bytes: all slots of the size classes above 24 bytes
 *          are multiples of that.
 * Callers  any stack and any thread, as mw_alloc.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "gc/alloc.h"
#include "gc/barrier.h"
#include "gc/gc.h"
#include "gc/jumps.h"
#include "os/os.h"

#define MALLOC_ALIGN 16 /* alignof(max_align_t) */

/* glibc's own, whatever the program defines. */
void __libc_free(void *p);
void *__libc_realloc(void *p, size_t n);

MWI_INLINE bool ours(const void *p) {
  return (uintptr_t)p - mwi_heap.base < mwi_load_relaxed(&mwi_heap.used);
}

static void *no_memory(void) {
  mwi_errno_set(ENOMEM);
  return NULL;
}

/* What was freed comes first, as it was left; else zeroed memory. */
static void *allocate(size_t n, bool zero) {
  if (n > (size_t)PTRDIFF_MAX) return no_memory();
  n = mwi_align_up(n ? n : 1, MALLOC_ALIGN);
  void *p = mwi_gc_alloc_freed(n, false);
  if (p) return zero ? memset(p, 0, n) : p;
  p = mwi_gc_alloc_or_null(n, NULL);
  return p ? p : no_memory();
}

/* Bytes from p to the end of its object. */
static size_t room(const void *p, const char *caller) {
  size_t size;
  uintptr_t start = mwi_object_of((uintptr_t)p, &size, NULL);
  if (!start) mwi_fatal("%s(%p): not an allocated object", caller, p);
  return start + size - (uintptr_t)p;
}

static void store_out(void **out, void *p) {
  (void)*(void *volatile *)out; /* a fault comes outside of the section [JP3] */
  struct mwi_g *g = mwi_tcb()->g;
  mwi_jumps_wait(g);
  mwi_rt_enter();
  mwi_store_ptr(out, p);
  mwi_rt_leave();
  mwi_jumps_go(g);
}

MWI_EXPORT void *mwi_rt_malloc(size_t n) {
  return allocate(n, false);
}

MWI_EXPORT void *mwi_rt_calloc(size_t n, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(n, size, &bytes)) return no_memory();
  return allocate(bytes, true);
}

MWI_EXPORT void mwi_rt_free(void *p) {
  if (!p) return;
  if (ours(p))
    mwi_gc_free(p);
  else
    __libc_free(p);
}

/*
 * Room for n bytes in the place of an object that is too small.  A large one that grows a
 * little gets a quarter more: libc moves its pages or finds room behind it, so programs grow an
 * array by a few elements at a time, where we have to copy it and leave the old one to the next
 * cycle.
 */
static void *grown(size_t n, size_t have) {
  if (have > MWI_MAX_SMALL && n > have && n - have < have / 4) {
    void *q = mwi_gc_alloc_or_null(mwi_align_up(have + have / 4, MALLOC_ALIGN), NULL);
    if (q) return q;
  }
  return allocate(n, false);
}

MWI_EXPORT void *mwi_rt_realloc(void *p, size_t n) {
  if (!p) return allocate(n, false);
  if (!ours(p)) return __libc_realloc(p, n);
  size_t have = room(p, "realloc");
  /* In place, unless that would waste more than half. */
  if (n <= have && n >= have / 2) return p;
  void *q = grown(n, have);
  if (!q) return NULL;
  mwi_gc_copy(q, p, have < n ? have : n);
  mwi_gc_free(p);
  return q;
}

MWI_EXPORT void *mwi_rt_reallocarray(void *p, size_t n, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(n, size, &bytes)) return no_memory();
  return mwi_rt_realloc(p, bytes);
}

MWI_EXPORT size_t mwi_rt_malloc_usable_size(void *p) {
  if (!p) return 0;
  if (ours(p)) return room(p, "malloc_usable_size");
  extern size_t malloc_usable_size(void *);
  return malloc_usable_size(p);
}

/* align: a power of two.  errno is not changed. */
static void *allocate_aligned(size_t align, size_t n) {
  if (n > (size_t)PTRDIFF_MAX - align) return NULL;
  n = mwi_align_up(n ? n : 1, MALLOC_ALIGN);
  if (align <= MWI_PAGE_BYTES) return mwi_gc_alloc_or_null(mwi_gc_fit(n, align), NULL);
  char *p = mwi_gc_alloc_or_null(n + align - MALLOC_ALIGN, NULL);
  return p ? (void *)mwi_align_up((uintptr_t)p, align) : NULL; /* [GM3] */
}

static bool power_of_two(size_t n) {
  return n && !(n & (n - 1));
}

MWI_EXPORT void *mwi_rt_aligned_alloc(size_t align, size_t n) {
  if (!power_of_two(align)) {
    mwi_errno_set(EINVAL);
    return NULL;
  }
  void *p = allocate_aligned(align, n);
  return p ? p : no_memory();
}

MWI_EXPORT int mwi_rt_posix_memalign(void **out, size_t align, size_t n) {
  if (!power_of_two(align) || align % sizeof(void *)) return EINVAL;
  void *p = allocate_aligned(align, n);
  if (!p) return ENOMEM;
  store_out(out, p);
  return 0;
}

MWI_EXPORT void *mwi_rt_valloc(size_t n) {
  return mwi_rt_aligned_alloc(MWI_PAGE_BYTES, n);
}

/* ---- Strings: no pointers in them --------------------------------------- */

static char *allocate_text(size_t n) {
  n = mwi_align_up(n, MALLOC_ALIGN);
  char *p = mwi_gc_alloc_freed(n, true);
  if (!p) p = mwi_gc_alloc_or_null(n, &mwi_layout_noscan);
  return p ? p : no_memory();
}

MWI_EXPORT char *mwi_rt_strdup(const char *s) {
  size_t n = strlen(s) + 1;
  char *p = allocate_text(n);
  return p ? memcpy(p, s, n) : NULL;
}

MWI_EXPORT char *mwi_rt_strndup(const char *s, size_t most) {
  size_t n = strnlen(s, most);
  char *p = allocate_text(n + 1);
  if (!p) return NULL;
  p[n] = 0;
  return memcpy(p, s, n);
}

MWI_EXPORT wchar_t *mwi_rt_wcsdup(const wchar_t *s) {
  size_t n = (wcslen(s) + 1) * sizeof *s;
  char *p = allocate_text(n);
  return p ? memcpy(p, s, n) : NULL;
}

MWI_EXPORT int mwi_rt_vasprintf(char **out, const char *format, va_list ap) {
  va_list again;
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (n < 0) return -1;
  char *p = allocate_text((size_t)n + 1);
  if (!p) return -1;
  vsnprintf(p, (size_t)n + 1, format, ap);
  store_out((void **)out, p);
  return n;
}

MWI_EXPORT int mwi_rt_asprintf(char **out, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  int n = mwi_rt_vasprintf(out, format, ap);
  va_end(ap);
  return n;
}
