/* SPDX-License-Identifier: MIT */
/*
 * debug/profile_text.c -- a profile as Go's text, debug=1
 *
 * Format   A head line by kind; for each stack its numbers and addresses, then
 *          a comment line for each frame; for the heap the statistics.  `go tool
 *          pprof` reads the heap's and the contention's form too, and unsamples
 *          the heap's by itself: its numbers are the raw ones here.
 */

#include <mallow.h>

#include "debug/line.h"
#include "debug/profile.h"
#include "debug/traceback.h"

struct text {
  struct mwi_line l;
  int fd, error;
  uintptr_t pc;
};

static void end(struct text *t) {
  int r = mwi_line_end(&t->l, t->fd);
  if (t->error == 0) t->error = r;
}

static void dec(struct text *t, const char *before, int64_t v) {
  mwi_line_str(&t->l, before);
  mwi_line_dec(&t->l, v);
}

static void frame(const struct mwi_frame *f, void *arg) {
  struct text *t = arg;
  const char *name = mwi_frame_shown(f);
  if (!name) return;
  mwi_line_str(&t->l, "#\t");
  mwi_line_hex(&t->l, t->pc - 1);
  mwi_line_str(&t->l, "\t");
  mwi_line_str(&t->l, name);
  mwi_line_str(&t->l, "+");
  mwi_line_hex(&t->l, f->inlined ? 0 : f->offset);
  mwi_line_str(&t->l, "\t");
  mwi_line_str(&t->l, f->file ? f->file : f->module ? f->module : "??");
  if (f->file) dec(t, ":", f->line);
  end(t);
}

static void stack(struct text *t, const struct mwi_sample *s) {
  mwi_line_str(&t->l, " @");
  for (uint32_t i = 0; i < s->n; i++) {
    mwi_line_str(&t->l, " ");
    mwi_line_hex(&t->l, s->key[1 + i]);
  }
  end(t);
  for (uint32_t i = 0; i < s->n; i++) {
    t->pc = s->key[1 + i];
    mwi_symbolize(t->pc, frame, t);
  }
  end(t);
}

/* ---- Heap -------------------------------------------------------------- */

static void heap_numbers(struct text *t, const int64_t *v) {
  dec(t, "", v[2]);
  dec(t, ": ", v[3]);
  dec(t, " [", v[0]);
  dec(t, ": ", v[1]);
  mwi_line_str(&t->l, "]");
}

static void statistics(struct text *t) {
  mw_mem_stats s;
  mw_read_mem_stats(&s);
  const struct {
    const char *name;
    uint64_t v;
  } lines[] = {
      {"Alloc", s.alloc},
      {"TotalAlloc", s.total_alloc},
      {"Sys", s.sys},
      {"Mallocs", s.mallocs},
      {"Frees", s.frees},
      {"HeapAlloc", s.heap_alloc},
      {"HeapSys", s.heap_sys},
      {"HeapIdle", s.heap_idle},
      {"HeapInuse", s.heap_inuse},
      {"HeapReleased", s.heap_released},
      {"HeapObjects", s.heap_objects},
      {"NextGC", s.next_gc},
      {"LastGC", s.last_gc},
      {"NumGC", s.num_gc},
      {"NumForcedGC", s.num_forced_gc},
  };
  mwi_line_str(&t->l, "# runtime.MemStats");
  end(t);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    mwi_line_str(&t->l, "# ");
    mwi_line_str(&t->l, lines[i].name);
    mwi_line_str(&t->l, " = ");
    mwi_line_udec(&t->l, lines[i].v);
    end(t);
  }
}

static void heap(struct text *t, const struct mwi_profile *p) {
  int64_t total[MWI_PROFILE_VALUES] = {0};
  for (const struct mwi_sample *s = p->samples; s; s = s->hh.next)
    for (int i = 0; i < MWI_PROFILE_VALUES; i++) total[i] += s->value[i];
  mwi_line_str(&t->l, "heap profile: ");
  heap_numbers(t, total);
  dec(t, " @ heap/", 2 * p->period);
  end(t);
  for (const struct mwi_sample *s = p->samples; s; s = s->hh.next) {
    heap_numbers(t, s->value);
    stack(t, s);
  }
  statistics(t);
}

/* ---- The others -------------------------------------------------------- */

static void contention(struct text *t, const struct mwi_profile *p) {
  bool mutex = strcmp(p->kind->name, "mutex") == 0;
  mwi_line_str(&t->l, mutex ? "--- mutex:" : "--- contention:");
  end(t);
  mwi_line_str(&t->l, "cycles/second=1000000000");
  end(t);
  if (mutex) {
    dec(t, "sampling period=", p->period);
    end(t);
  }
  for (const struct mwi_sample *s = p->samples; s; s = s->hh.next) {
    dec(t, "", s->value[1]);
    dec(t, " ", s->value[0]);
    stack(t, s);
  }
}

static void counts(struct text *t, const struct mwi_profile *p) {
  int64_t total = 0;
  for (const struct mwi_sample *s = p->samples; s; s = s->hh.next) total += s->value[0];
  mwi_line_str(&t->l, p->kind->name);
  dec(t, " profile: total ", total);
  end(t);
  for (const struct mwi_sample *s = p->samples; s; s = s->hh.next) {
    dec(t, "", s->value[0]);
    stack(t, s);
  }
}

/* Largest first, by the number that the kind is about. */
static int descending(const struct mwi_sample *a, const struct mwi_sample *b, int at) {
  return a->value[at] > b->value[at] ? -1 : a->value[at] < b->value[at];
}
static int by_first(struct mwi_sample *a, struct mwi_sample *b) {
  return descending(a, b, 0);
}
static int by_second(struct mwi_sample *a, struct mwi_sample *b) {
  return descending(a, b, 1);
}
static int by_fourth(struct mwi_sample *a, struct mwi_sample *b) {
  return descending(a, b, 3);
}

int mwi_profile_write_text(struct mwi_profile *p, int fd) {
  struct text t = {.fd = fd};
  mwi_line_init(&t.l);
  switch (p->kind->nvalues) {
  case 4:
    HASH_SORT(p->samples, by_fourth);
    heap(&t, p);
    break;
  case 2:
    HASH_SORT(p->samples, by_second);
    contention(&t, p);
    break;
  default:
    HASH_SORT(p->samples, by_first);
    counts(&t, p);
    break;
  }
  return t.error;
}
