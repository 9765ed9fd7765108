/* SPDX-License-Identifier: MIT */
/*
 * gc/sort.c -- qsort and qsort_r for collected memory
 *
 * Job      Compiled code's calls of libc's qsort come here.  libc's keeps the
 *          only copy of a pointer in memory from its own malloc for a while,
 *          where no collector sees it, and may be preempted there for longer
 *          than a whole cycle takes.
 * How      Merge sort like glibc's, stable, but the second buffer is collected
 *          memory, and every move has both halves of the barrier.  Barrier and
 *          move are one runtime section, so no stop comes between them [A2].
 *          Polls between elements: a comparison need not have one.
 *          Elements that hold no pointers are moved as plain C would.
 * Callers  goroutine context.  cmp may block, panic by longjmp, or sort; a handler may leave
 *          by siglongjmp: a move that it interrupted is done first (gc/jumps.h).
 */
#include <mallow.h>

#include "gc/alloc.h"
#include "gc/barrier.h"
#include "gc/jumps.h"
#include "gc/roots.h"

#define SMALL_BYTES 1024          /* sorted through a buffer on the stack */
#define PIECE_BYTES (32 * MWI_KB) /* moved between two polls */
#define WORDS_BYTES 64            /* larger elements of words are moved by memcpy */

typedef int cmp_fn(const void *, const void *);
typedef int cmp_r_fn(const void *, const void *, void *);

struct sort {
  size_t size;
  char *tmp;
  cmp_fn *cmp; /* or NULL, then */
  cmp_r_fn *cmp_r;
  void *arg;
};

MWI_PRESERVE_MOST void mwi_rt_poll(void);
void mwi_rt_qsort(void *base, size_t n, size_t size, cmp_fn *cmp);
void mwi_rt_qsort_r(void *base, size_t n, size_t size, cmp_r_fn *cmp, void *arg);

MWI_INLINE void poll(void) {
  if (MWI_UNLIKELY(mwi_load_relaxed(&mwi_tcb()->poll))) mwi_rt_poll();
}

MWI_INLINE int compare(const struct sort *s, const void *a, const void *b) {
  return s->cmp ? s->cmp(a, b) : s->cmp_r(a, b, s->arg);
}

static void move_bytes(char *to, const char *from, size_t n) {
  while (n) {
    size_t part = n < PIECE_BYTES ? n : PIECE_BYTES;
    struct mwi_g *g = mwi_tcb()->g;
    mwi_jumps_wait(g);
    mwi_rt_enter();
    mwi_shade_range(to, part);
    mwi_shade_range(from, part);
    memcpy(to, from, part);
    mwi_rt_leave();
    mwi_jumps_go(g);
    to += part;
    from += part;
    n -= part;
    poll();
  }
}

MWI_INLINE void move_one(const struct sort *s, char *to, const char *from) {
  if (MWI_LIKELY(s->size == sizeof(void *))) {
    struct mwi_g *g = mwi_tcb()->g;
    mwi_jumps_wait(g);
    mwi_rt_enter();
    void *p = *(void *const *)(const void *)from;
    mwi_store_ptr((void **)(void *)to, p);
    mwi_rt_leave();
    mwi_jumps_go(g);
    poll();
  } else if (s->size <= WORDS_BYTES && s->size % sizeof(uint64_t) == 0) {
    struct mwi_g *g = mwi_tcb()->g;
    mwi_jumps_wait(g);
    mwi_rt_enter();
    mwi_shade_range(to, s->size);
    mwi_shade_range(from, s->size);
    for (size_t at = 0; at < s->size; at += sizeof(uint64_t)) {
      memcpy(to + at, from + at, sizeof(uint64_t));
      __asm__ volatile("" ::: "memory"); /* keeps the loop from becoming a call of memcpy */
    }
    mwi_rt_leave();
    mwi_jumps_go(g);
    poll();
  } else {
    move_bytes(to, from, s->size);
  }
}

/*
 * Elements without pointers: no barriers, no sections.  Who jumps out of a comparison, or out of
 * a handler, finds some elements twice, as after libc's.  memcpy of a whole half is external code,
 * which a stop does not wait for.  `size` is s->size, a constant where it is inlined.
 */
MWI_INLINE void merge_plain(const struct sort *s, char *b, size_t n, size_t size) {
  size_t n1 = n / 2, n2 = n - n1;
  char *b1 = b, *b2 = b + n1 * size, *t = s->tmp;
  while (n1 && n2) {
    bool first = compare(s, b1, b2) <= 0;
    memcpy(t, first ? b1 : b2, size);
    t += size;
    if (first) {
      b1 += size;
      n1--;
    } else {
      b2 += size;
      n2--;
    }
    poll();
  }
  if (n1) memcpy(t, b1, n1 * size);
  memcpy(b, s->tmp, (n - n2) * size);
}

static void sort_plain(const struct sort *s, char *b, size_t n) {
  if (n <= 1) return;
  sort_plain(s, b, n / 2);
  sort_plain(s, b + n / 2 * s->size, n - n / 2);
  switch (s->size) {
  case 4:
    merge_plain(s, b, n, 4);
    break;
  case 8:
    merge_plain(s, b, n, 8);
    break;
  case 16:
    merge_plain(s, b, n, 16);
    break;
  default:
    merge_plain(s, b, n, s->size);
  }
}

static void sort_range(const struct sort *s, char *b, size_t n) {
  if (n <= 1) return;
  size_t n1 = n / 2, n2 = n - n1;
  char *b1 = b, *b2 = b + n1 * s->size, *t = s->tmp;
  sort_range(s, b1, n1);
  sort_range(s, b2, n2);
  while (n1 && n2) {
    if (compare(s, b1, b2) <= 0) {
      move_one(s, t, b1);
      b1 += s->size;
      n1--;
    } else {
      move_one(s, t, b2);
      b2 += s->size;
      n2--;
    }
    t += s->size;
  }
  /* What is left of the second half is in its place. */
  if (n1) move_bytes(t, b1, n1 * s->size);
  move_bytes(b, s->tmp, (n - n2) * s->size);
}

/* May the array hold pointers? */
static bool holds_pointers(const void *base, size_t size) {
  size_t bytes;
  struct mwi_span *s;
  if (size < sizeof(void *) || (uintptr_t)base % 8) return false;
  if (!mwi_object_of((uintptr_t)base, &bytes, &s)) return true;
  return s->cls == MWI_CLASS_LARGE ? !s->noscan : !s->info->noscan;
}

static void sort(struct sort *s, void *base, size_t n) {
  if (n <= 1 || !s->size) return;
  size_t bytes = n * s->size;
  bool pointers = holds_pointers(base, s->size);
  void (*range)(const struct sort *, char *, size_t) = pointers ? sort_range : sort_plain;
  if (bytes <= SMALL_BYTES) {
    uintptr_t buffer[SMALL_BYTES / sizeof(uintptr_t)];
    if (pointers) memset(buffer, 0, bytes); /* stale words would be shaded */
    s->tmp = (char *)buffer;
    range(s, base, n);
    return;
  }
  s->tmp = mwi_gc_alloc(bytes, pointers ? NULL : &mwi_layout_noscan);
  range(s, base, n);
  mw_keep_alive(s->tmp);
}

MWI_EXPORT void mwi_rt_qsort(void *base, size_t n, size_t size, cmp_fn *cmp) {
  struct sort s = {.size = size, .cmp = cmp};
  sort(&s, base, n);
}

MWI_EXPORT void mwi_rt_qsort_r(void *base, size_t n, size_t size, cmp_r_fn *cmp, void *arg) {
  struct sort s = {.size = size, .cmp_r = cmp, .arg = arg};
  sort(&s, base, n);
}
