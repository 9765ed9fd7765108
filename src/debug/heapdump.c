/* SPDX-License-Identifier: MIT */
/*
 * debug/heapdump.c -- mw_heap_dump: every object, root and goroutine, in Go's format
 *
 * Job      The format of Go's debug.WriteHeapDump ("go1.7 heap dump"), so that
 *          tools for that read ours: a line of text, then records, each a tag
 *          and its fields as varints, strings and memory with a length in front.
 *          docs/design/profiles.md lists what is in them here.
 * Promise  [HD1] All of it is one moment: the world is stopped from the first
 *          object to the last sample, and what the last collection found dead is
 *          swept before.  Only names of functions follow later.
 *          [HD2] A pointer field is listed only where there is one: by the mask
 *          of the object's layout, and in memory that is scanned conservatively
 *          for words that do point to an object.
 *          [HD3] After the first failed write nothing more is written.
 * Callers  a goroutine, with no lock held.  The reader at the other end of a pipe
 *          must be another process: nothing of this one runs meanwhile.
 */
#include <errno.h>
#include <sys/utsname.h>

#include <mallow.h>

#include "debug/buckets.h"
#include "debug/memprof.h"
#include "debug/symbol.h"
#include "debug/traceback.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/special.h"
#include "os/os.h"
#include "sched/proc.h"
#include "sched/stack.h"

enum tag {
  END,
  OBJECT,
  OTHER_ROOT,
  TYPE, /* not written: an object lists its pointers itself */
  GOROUTINE,
  STACK_FRAME,
  PARAMS,
  FINALIZER,
  ITAB,
  OS_THREAD,
  MEM_STATS,
  QUEUED_FINALIZER,
  DATA,
  BSS,
  DEFER,
  PANIC,
  MEM_PROF,
  ALLOC_SAMPLE
};
enum field { NO_MORE_FIELDS, POINTER };

#define BUFFER (64 * MWI_KB)

struct dump {
  int fd, error; /* error: -errno of the first write that failed [HD3] */
  size_t n;
  char *buf;
  uintptr_t sp; /* of the caller's stack, its registers saved there */
};

/* ---- Writing ----------------------------------------------------------- */

static void flush(struct dump *d) {
  if (!d->error && d->n) d->error = mwi_os_write(d->fd, d->buf, d->n);
  d->n = 0;
}

static void put_bytes(struct dump *d, const void *p, size_t n) {
  if (n > BUFFER - d->n) flush(d);
  if (n > BUFFER) {
    if (!d->error) d->error = mwi_os_write(d->fd, p, n);
    return;
  }
  memcpy(d->buf + d->n, p, n);
  d->n += n;
}

static void put(struct dump *d, uint64_t v) {
  unsigned char text[10];
  size_t n = 0;
  for (; v >= 0x80; v >>= 7) text[n++] = (unsigned char)(v | 0x80);
  text[n++] = (unsigned char)v;
  put_bytes(d, text, n);
}

static void put_memory(struct dump *d, const void *p, size_t n) {
  put(d, n);
  put_bytes(d, p, n);
}

static void put_string(struct dump *d, const char *s) {
  put_memory(d, s, strlen(s));
}

/* ---- Pointers ---------------------------------------------------------- */

static void put_field(struct dump *d, size_t offset) {
  put(d, POINTER);
  put(d, offset);
}

static uintptr_t word_at(uintptr_t p) {
  return *(const volatile uintptr_t *)p;
}

static bool points_to_object(uintptr_t p) {
  size_t size;
  struct mwi_span *s;
  return mwi_object_of(word_at(p), &size, &s) != 0;
}

/* Words of [addr, addr + bytes), offsets from there [HD2]; no mask: conservative. */
static void put_fields(struct dump *d, uintptr_t addr, size_t bytes, const uint64_t *mask,
                       uint32_t period) {
  for (size_t i = 0; i < bytes / 8; i++) {
    size_t bit = mask ? i % period : 0;
    if (mask ? mask[bit / 64] >> bit % 64 & 1 : points_to_object(addr + 8 * i)) put_field(d, 8 * i);
  }
  put(d, NO_MORE_FIELDS);
}

/* ---- Records ----------------------------------------------------------- */

static void put_params(struct dump *d) {
  struct utsname machine;
  put(d, PARAMS);
  put(d, 0); /* little endian */
  put(d, sizeof(void *));
  put(d, mwi_heap.base);
  put(d, mwi_heap.base + mwi_load_relaxed(&mwi_heap.used));
  put_string(d, uname(&machine) == 0 ? machine.machine : "");
  put_string(d, "mallow " MW_VERSION);
  put(d, (uint64_t)mwi_sched.nprocs);
}

static void put_objects(struct mwi_span *s, void *arg) {
  struct dump *d = arg;
  for (uint32_t i = 0; i < s->nelems && !d->error; i++) {
    if (!(mwi_load_relaxed(&s->alloc[i / 64]) >> i % 64 & 1)) continue;
    uintptr_t p = s->base + (uintptr_t)i * s->slot;
    put(d, OBJECT);
    put(d, p);
    put_memory(d, (void *)p, s->slot);
    if (s->noscan)
      put(d, NO_MORE_FIELDS);
    else if (s->cls == MWI_CLASS_LARGE)
      put_fields(d, p, s->slot, s->large_mask, s->large_period);
    else if (s->info->period)
      put_fields(d, p, s->slot, s->info->period > 64 ? s->info->longmask : &s->info->mask,
                 s->info->period);
    else
      put_fields(d, p, s->slot, NULL, 0);
  }
}

/* The part of g's stack that is in use, wherever it is now; *sp: where it belongs.  World stopped.
 */
static struct mwi_stack_view stack_of(const struct dump *d, const struct mwi_g *g, uintptr_t *sp) {
  const struct mwi_m *m = g->m;
  bool self = g == mwi_getg();
  if (self || (m && m->tcb.g == g)) {
    *sp = mwi_align_up(self ? d->sp : m->stop_sp, 8);
    return (struct mwi_stack_view){*sp, g->stack.hi};
  }
  *sp = g->sp;
  return mwi_stack_view(g);
}

static void put_goroutine(struct dump *d, const struct mwi_g *g) {
  uint32_t status = mwi_load_acquire(&g->status) & ~(uint32_t)MWI_G_SCAN;
  if (status == MWI_G_DEAD) return;
  enum mwi_wait why = g->wait_reason;
  uintptr_t sp;
  struct mwi_stack_view stack = stack_of(d, g, &sp);
  put(d, GOROUTINE);
  put(d, (uintptr_t)g);
  put(d, sp);
  put(d, g->id);
  put(d, g->creator_pc);
  put(d, status == MWI_G_WAITING ? 4 : status); /* Go's numbers: 1 runnable, 2 running, 4 waiting */
  put(d, g->system);
  put(d, 0); /* "background", always false */
  put(d, g->wait_since > 0 ? (uint64_t)g->wait_since : 0);
  put_string(d, why > MWI_WAIT_NONE && why < MWI_NWAITS ? mwi_wait_names[why] : "");
  put(d, (uintptr_t)g->arg); /* until it begins; Go has the closure here */
  put(d, (uintptr_t)g->m);
  put(d, 0); /* no defers */
  put(d, 0); /* no panics */
  if (stack.lo >= stack.hi) return;
  /* The stack as one frame: conservative scanning knows of no others. */
  put(d, STACK_FRAME);
  put(d, sp);
  put(d, 0); /* the innermost */
  put(d, 0); /* which has no child */
  put_memory(d, (void *)stack.lo, stack.hi - stack.lo);
  put(d, g->start_pc);
  put(d, g->start_pc);
  put(d, 0);
  put_string(d, "stack");
  put_fields(d, stack.lo, stack.hi - stack.lo, NULL, 0);
}

static void put_threads(struct dump *d) {
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m; m = m->next_all) {
    if (mwi_load_relaxed(&m->state) == MWI_M_DEAD) continue;
    put(d, OS_THREAD);
    put(d, (uintptr_t)m);
    put(d, m->id);
    put(d, (uint64_t)m->tid);
  }
  mwi_unlock(&mwi_sched.allm_lock);
}

/* What the collector would scan as roots, told by kind (gc/mark.h, mwi_scan_sink). */
static struct dump *roots_dump; /* world stopped */
static const char *root_kind;

static void set_root_kind(const char *kind) {
  root_kind = kind;
}

static void put_root(uintptr_t lo, uintptr_t hi, const uint64_t *mask, uint32_t period) {
  struct dump *d = roots_dump;
  if (root_kind == mwi_root_globals) {
    put(d, DATA);
    put(d, lo);
    put_memory(d, (void *)lo, hi - lo);
    put_fields(d, lo, hi - lo, mask, period);
    return;
  }
  for (uintptr_t p = mwi_align_up(lo, 8); p + 8 <= hi; p += 8) {
    if (!points_to_object(p)) continue;
    put(d, OTHER_ROOT);
    put_string(d, root_kind);
    put(d, word_at(p));
  }
}

static void put_roots(struct dump *d) {
  roots_dump = d;
  mwi_scan_sink = put_root;
  mwi_show_roots_stw(set_root_kind);
  mwi_scan_sink = NULL;
}

static void put_special(void *arg, const struct mwi_special_facts *f) {
  struct dump *d = arg;
  if (f->bucket) {
    put(d, ALLOC_SAMPLE);
    put(d, f->obj);
    put(d, (uintptr_t)f->bucket);
    return;
  }
  put(d, f->due ? QUEUED_FINALIZER : FINALIZER);
  put(d, f->obj);
  put(d, (uintptr_t)f->arg); /* where Go has the closure */
  put(d, f->fn);
  put(d, 0); /* types */
  put(d, 0);
}

static void put_stats(struct dump *d, const mw_mem_stats *s) {
  const uint64_t fields[] = {s->alloc,        s->total_alloc, s->sys,           s->lookups,
                             s->mallocs,      s->frees,       s->heap_alloc,    s->heap_sys,
                             s->heap_idle,    s->heap_inuse,  s->heap_released, s->heap_objects,
                             s->stack_inuse,  s->stack_sys,   s->mspan_inuse,   s->mspan_sys,
                             s->mcache_inuse, s->mcache_sys,  s->buck_hash_sys, s->gc_sys,
                             s->other_sys,    s->next_gc,     s->last_gc,       s->pause_total_ns};
  put(d, MEM_STATS);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) put(d, fields[i]);
  for (size_t i = 0; i < 256; i++) put(d, s->pause_ns[i]);
  put(d, s->num_gc);
}

/* ---- Names, with the world running again ------------------------------- */

static void count_frame(const struct mwi_frame *f, void *arg) {
  (void)f;
  ++*(size_t *)arg;
}

static void put_frame(const struct mwi_frame *f, void *arg) {
  struct dump *d = arg;
  put_string(d, f->function ? f->function : "?");
  put_string(d, f->file ? f->file : f->module ? f->module : "?");
  put(d, f->line > 0 ? (uint64_t)f->line : 0);
}

static void put_bucket(void *arg, const struct mwi_bucket *b, uint64_t allocs, uint64_t frees) {
  struct dump *d = arg;
  size_t frames = 0;
  for (uint32_t i = 0; i < b->n; i++) mwi_symbolize(b->pc[i], count_frame, &frames);
  put(d, MEM_PROF);
  put(d, (uintptr_t)b);
  put(d, b->size);
  put(d, frames);
  for (uint32_t i = 0; i < b->n; i++) mwi_symbolize(b->pc[i], put_frame, d);
  put(d, allocs);
  put(d, frees);
}

/* ---- All of it --------------------------------------------------------- */

static void flush_cache(struct mwi_gcp *w, struct mwi_mcache *mc) {
  (void)w;
  mwi_mcache_flush_stw(mc); /* slots of cursors are no objects */
}

static void put_heap_stw(void *arg, uintptr_t sp) {
  static const char header[] = "go1.7 heap dump\n";
  struct dump *d = arg;
  d->sp = sp;
  while (!mwi_sweep_done()) mwi_sweep_some(); /* [HD1] */
  mwi_gc_hooks.each_p_stw(flush_cache);
  put_bytes(d, header, sizeof header - 1);
  put_params(d);
  mwi_heap_each_span(put_objects, d);
  MWI_EACH_G(g) put_goroutine(d, g);
  put_threads(d);
  put_roots(d);
  mwi_specials_each_stw(put_special, d);
  flush(d);
}

MWI_EXPORT int mw_heap_dump(int fd) {
  struct dump d = {.fd = fd, .buf = mwi_os.map(BUFFER)};
  if (!d.buf) {
    errno = ENOMEM;
    return -1;
  }
  int cancel = mwi_cancel_off();
  mwi_gc_exclude();
  mwi_stop_world();
  mwi_spill_call(put_heap_stw, &d);
  mwi_start_world();
  mwi_gc_allow();

  mw_mem_stats *stats = mwi_os.map(sizeof *stats);
  if (stats) {
    mw_read_mem_stats(stats);
    put_stats(&d, stats);
    mwi_os.unreserve(stats, sizeof *stats);
  } else if (!d.error) {
    d.error = -ENOMEM;
  }
  mwi_memprof_each(put_bucket, &d);
  put(&d, END);
  flush(&d);
  mwi_os.unreserve(d.buf, BUFFER);
  mwi_cancel_back(cancel);
  if (!d.error) return 0;
  errno = -d.error;
  return -1;
}
