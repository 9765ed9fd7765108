/* SPDX-License-Identifier: MIT */
/*
 * gc/module.c -- what compiled modules register: text, globals, thread-locals
 *
 * Job      Keep the list of modules; answer whether a PC is in instrumented or
 *          runtime text; hand the collector the ranges of data that may hold
 *          pointers, with mw_root_add's.
 * Promise  [O1] mwi_text_contains is async-signal-safe: text ranges are an
 *          array that only grows (an entry is emptied when its module goes).
 *          [O2] Every root that exists when marking begins, and is not removed
 *          before, is scanned once; what is removed is shaded.  The lock is held
 *          for ROOT_PIECE bytes of scanning at most: stores to globals that wait
 *          for it, and allocations that assist, do not wait for all.
 * Threads  mwi_roots_lock guards the lists.  dlclose removes a module: roots are
 *          only read with mwi_roots_lock held.
 */
#include <mallow.h>

#include "gc/barrier.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/roots.h"
#include "os/tls.h"

struct mwi_lock mwi_roots_lock = MWI_LOCK_INIT(MWI_RANK_ROOTS);

/* ---- Text -------------------------------------------------------------- */

struct text {
  _Atomic uintptr_t lo, hi;
  uint32_t users; /* under mwi_roots_lock: modules (translation units) of this image */
};
#define MAX_TEXTS 1024
static struct text texts[MAX_TEXTS];
static _Atomic uint32_t ntexts; /* release after the entry is written */

extern const char __start_mw_rt_text[] __attribute__((visibility("hidden")));
extern const char __stop_mw_rt_text[] __attribute__((visibility("hidden")));

bool mwi_text_runtime(uintptr_t pc) {
  return pc - (uintptr_t)__start_mw_rt_text <
         (uintptr_t)__stop_mw_rt_text - (uintptr_t)__start_mw_rt_text;
}

bool mwi_text_instrumented(uintptr_t pc) {
  uint32_t n = mwi_load_acquire(&ntexts);
  for (uint32_t i = 0; i < n; i++) {
    uintptr_t lo = mwi_load_acquire(&texts[i].lo), hi = mwi_load_relaxed(&texts[i].hi);
    if (lo <= pc && pc < hi) return true; /* hi is 0 while an entry changes */
  }
  return false;
}

bool mwi_text_contains(uintptr_t pc) {
  return mwi_text_runtime(pc) || mwi_text_instrumented(pc);
}

static void text_add_locked(uintptr_t lo, uintptr_t hi) {
  if (lo >= hi) return;
  uint32_t n = mwi_load_relaxed(&ntexts), empty = n;
  for (uint32_t i = 0; i < n; i++) {
    if (mwi_load_relaxed(&texts[i].lo) == lo) {
      texts[i].users++;
      return;
    }
    if (!texts[i].users) empty = i;
  }
  if (empty == MAX_TEXTS) mwi_fatal("more than %d instrumented images loaded", MAX_TEXTS);
  mwi_store_relaxed(&texts[empty].lo, lo);
  mwi_store_release(&texts[empty].hi, hi);
  texts[empty].users = 1;
  if (empty == n) mwi_store_release(&ntexts, n + 1); /* pairs with the acquire above */
}

static void text_remove_locked(uintptr_t lo) {
  for (uint32_t i = 0; i < mwi_load_relaxed(&ntexts); i++)
    if (mwi_load_relaxed(&texts[i].lo) == lo && --texts[i].users == 0) {
      mwi_store_relaxed(&texts[i].hi, 0);
      mwi_store_relaxed(&texts[i].lo, 0);
    }
}

/* ---- Modules ----------------------------------------------------------- */

static struct mwi_module *modules; /* under mwi_roots_lock */
static size_t global_bytes;        /* of all; likewise */

static size_t module_bytes(const struct mwi_module *m) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < m->nglobals; i++) bytes += mwi_align_up(m->globals[i].size, 8);
  return bytes;
}

struct root {
  struct root *next;
  uintptr_t lo, hi;
};
static struct root *roots;              /* under mwi_roots_lock */
static struct mwi_meta_free free_roots; /* likewise */

/* Where this cycle's scan is.  What is added goes before it: there is nothing in a new
 * module's data yet, and a new root is shaded. */
static struct {
  struct mwi_module *m;
  uint32_t global; /* of m */
  uintptr_t done;  /* bytes of that */
  struct root *r;  /* after the modules; their bytes in `done` too */
} scan;            /* under mwi_roots_lock */

/* Images with thread-locals that may hold pointers, each entered by its first
 * translation unit, and removed with that: in an image that is being closed. */
struct tls {
  struct tls *next;
  struct mwi_os_tls os;
  uintptr_t owner; /* the module that brought it */
};
static struct tls *tls_modules;       /* under mwi_roots_lock */
static struct mwi_meta_free free_tls; /* likewise */

static void tls_add_locked(const struct mwi_os_tls *os, uintptr_t owner) {
  for (struct tls *t = tls_modules; t; t = t->next)
    if (t->os.module == os->module) return; /* another unit of the image */
  struct tls *t = mwi_meta_take(&free_tls, sizeof *t, 16);
  *t = (struct tls){tls_modules, *os, owner};
  tls_modules = t;
}

static void tls_remove_locked(uintptr_t owner) {
  for (struct tls **at = &tls_modules; *at; at = &(*at)->next) {
    struct tls *t = *at;
    if (t->owner != owner) continue;
    if (mwi_gc_hooks.thread_locals_go) mwi_gc_hooks.thread_locals_go(owner);
    *at = t->next;
    mwi_meta_give(&free_tls, t);
    return;
  }
}

MWI_EXPORT void mwi_rt_module_add(struct mwi_module *m) {
  if (m->abi != MWI_ABI_VERSION)
    mwi_fatal("%s was compiled for version %u of mallow's ABI, this runtime has %u: recompile it",
              m->source, m->abi, MWI_ABI_VERSION);
  struct mwi_os_tls tls;
  bool has_tls = m->has_tls && mwi_os_tls_of((uintptr_t)m, &tls);
  mwi_lock(&mwi_roots_lock);
  m->next = modules;
  modules = m;
  if (m->step && m->step < mwi_load_relaxed(&mwi_scan_step))
    mwi_store_relaxed(&mwi_scan_step, m->step);
  global_bytes += module_bytes(m);
  if (has_tls) tls_add_locked(&tls, (uintptr_t)m);
  text_add_locked((uintptr_t)m->text_start, (uintptr_t)m->text_stop);
  /* Initialised data of a library opened while marking is on: nothing in it
   * can point to the collected heap yet. */
  mwi_unlock(&mwi_roots_lock);
}

/* exit() runs every module's destructor while other goroutines still run:
 * from then on modules stay. */
static _Atomic uint32_t exiting;
void mwi_module_exiting(void) {
  mwi_store_release(&exiting, 1);
}

MWI_EXPORT void mwi_rt_module_remove(struct mwi_module *m) {
  if (mwi_load_acquire(&exiting)) return;
  mwi_lock(&mwi_roots_lock);
  for (struct mwi_module **pm = &modules; *pm; pm = &(*pm)->next)
    if (*pm == m) {
      *pm = m->next;
      global_bytes -= module_bytes(m);
      break;
    }
  if (scan.m == m) {
    scan.m = m->next;
    scan.global = 0;
    scan.done = 0;
  }
  for (uint32_t i = 0; i < m->nglobals && mwi_wb_on(); i++) /* deleted: as a store would be */
    mwi_shade_range(m->globals[i].addr, m->globals[i].size);
  text_remove_locked((uintptr_t)m->text_start);
  if (m->has_tls) tls_remove_locked((uintptr_t)m);
  for (uint32_t i = 0; i < m->nglobals; i++) { /* other lists than ours know them as well */
    mwi_ext_forget((uintptr_t)m->globals[i].addr);
    if (mwi_gc_hooks.variable_goes)
      mwi_gc_hooks.variable_goes(m->globals[i].addr, m->globals[i].size);
  }
  mwi_unlock(&mwi_roots_lock); /* a fork waits for it */
}

void mwi_tls_scan(struct mwi_gcp *w, uintptr_t thread) {
  mwi_lock(&mwi_roots_lock);
  for (struct tls *t = tls_modules; t; t = t->next) {
    uintptr_t block = mwi_os_tls_block(thread, &t->os);
    if (block) mwi_scan_conservative(w, block, block + t->os.bytes, false);
  }
  mwi_unlock(&mwi_roots_lock);
}

uintptr_t mwi_tls_image(const void *p) {
  uintptr_t thread = mwi_os_thread_pointer(), owner = 0;
  mwi_lock(&mwi_roots_lock);
  for (struct tls *t = tls_modules; t && !owner; t = t->next) {
    uintptr_t block = mwi_os_tls_block(thread, &t->os);
    if (block && (uintptr_t)p - block < t->os.bytes) owner = t->owner;
  }
  mwi_unlock(&mwi_roots_lock);
  return owner;
}

void mwi_tls_ends(void) {
  uintptr_t thread = mwi_os_thread_pointer();
  mwi_lock(&mwi_roots_lock);
  for (struct tls *t = tls_modules; t && mwi_gc_hooks.variable_goes; t = t->next) {
    uintptr_t block = mwi_os_tls_block(thread, &t->os);
    if (block) mwi_gc_hooks.variable_goes((const void *)block, t->os.bytes);
  }
  mwi_unlock(&mwi_roots_lock);
}

/* ---- Roots ------------------------------------------------------------- */

MWI_EXPORT void mw_root_add(void *start, size_t bytes) {
  uintptr_t end;
  if (!start || __builtin_add_overflow((uintptr_t)start, bytes, &end))
    mwi_fatal("mw_root_add(%p, %zu): no memory there", start, bytes);
  uintptr_t lo = mwi_align_up((uintptr_t)start, 8), hi = mwi_align_down(end, 8);
  if (hi < lo) hi = lo; /* room for no pointer */
  mwi_gc_attach();
  mwi_lock(&mwi_roots_lock);
  struct root *r = mwi_meta_take(&free_roots, sizeof *r, 16);
  *r = (struct root){roots, lo, hi};
  roots = r;
  global_bytes += hi - lo;
  mwi_shade_range((void *)lo, hi - lo);
  mwi_unlock(&mwi_roots_lock);
}

MWI_EXPORT void mw_root_remove(void *start) {
  mwi_gc_attach();
  mwi_lock(&mwi_roots_lock);
  struct root **pr = &roots;
  while (*pr && (*pr)->lo != mwi_align_up((uintptr_t)start, 8)) pr = &(*pr)->next;
  struct root *r = *pr;
  if (!r) {
    mwi_unlock(&mwi_roots_lock);
    mwi_fatal("mw_root_remove(%p): not added", start);
  }
  mwi_shade_range((void *)r->lo, r->hi - r->lo);
  *pr = r->next;
  global_bytes -= r->hi - r->lo;
  if (scan.r == r) {
    scan.r = r->next;
    if (!scan.m) scan.done = 0;
  }
  mwi_meta_give(&free_roots, r);
  mwi_unlock(&mwi_roots_lock);
}

/* ---- Scanning them ------------------------------------------------------- */

#define ROOT_PIECE (32 * MWI_KB) /* some 20 us under the lock */

uint32_t mwi_roots_begin_stw(void) {
  mwi_lock(&mwi_roots_lock);
  scan.m = modules;
  scan.global = 0;
  scan.done = 0;
  scan.r = roots;
  uint32_t jobs = (uint32_t)(global_bytes / ROOT_PIECE) + 1;
  mwi_unlock(&mwi_roots_lock);
  return jobs;
}

/* A word may begin in one part of a range and end in the next. */
static size_t with_ends(size_t size, size_t from, size_t n) {
  return size - from - n < 7 ? size - from : n + 7;
}

/* Of a range of `size` bytes, the next part that is within `left`, whole words.  True: that
 * was its end. */
static bool take_part(size_t size, size_t *left, size_t *from, size_t *n) {
  *from = scan.done;
  *n = size - scan.done;
  size_t words = mwi_align_up(*n, 8);
  bool last = words <= *left;
  if (!last) *n = words = *left;
  *left -= words;
  scan.done = last ? 0 : scan.done + words;
  return last;
}

uint64_t mwi_roots_scan_piece(struct mwi_gcp *w) {
  size_t left = ROOT_PIECE, from, n;
  mwi_lock(&mwi_roots_lock);
  while (scan.m && left) {
    if (scan.global == scan.m->nglobals) {
      scan.m = scan.m->next;
      scan.global = 0;
      continue;
    }
    const struct mwi_global *g = &scan.m->globals[scan.global];
    uintptr_t at = (uintptr_t)g->addr;
    if (take_part(g->size, &left, &from, &n)) scan.global++;
    if (g->mask)
      mwi_scan_masked(w, at, at + from, at + from + n, g->mask, (uint32_t)g->period);
    else
      mwi_scan_conservative(w, at + from, at + from + with_ends(g->size, from, n), false);
  }
  while (!scan.m && scan.r && left) {
    struct root *r = scan.r;
    if (take_part(r->hi - r->lo, &left, &from, &n)) scan.r = r->next;
    mwi_scan_conservative(w, r->lo + from, r->lo + from + with_ends(r->hi - r->lo, from, n), false);
  }
  mwi_unlock(&mwi_roots_lock);
  return ROOT_PIECE - left;
}

uint64_t mwi_roots_scan_stw(struct mwi_gcp *w) {
  mwi_roots_begin_stw();
  uint64_t bytes = 0, n;
  while ((n = mwi_roots_scan_piece(w)) != 0) bytes += n;
  return bytes;
}

/* The registered range that contains addr; false when none does. */
bool mwi_roots_find(uintptr_t addr, uintptr_t *lo, uintptr_t *hi) {
  bool found = false;
  mwi_lock(&mwi_roots_lock);
  for (struct mwi_module *m = modules; m && !found; m = m->next)
    for (uint32_t i = 0; i < m->nglobals && !found; i++) {
      const struct mwi_global *g = &m->globals[i];
      if (addr - (uintptr_t)g->addr >= g->size) continue;
      *lo = (uintptr_t)g->addr;
      *hi = *lo + g->size;
      found = true;
    }
  mwi_unlock(&mwi_roots_lock);
  return found;
}
