/* SPDX-License-Identifier: MIT */
/*
 * debug/profile.c -- mw_pprof_write; profiles in memory
 *
 * Job      Tables of stacks and numbers, one profile from another, and the two
 *          kinds that are a picture of the moment: goroutine and threadcreate.
 * Threads  a profile belongs to the one who takes it.  Profiles may be taken
 *          by several goroutines and threads at once.
 * Next     proto.c, profile_text.c; memprof.c, blockprof.c for the numbers
 */
#include "debug/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mallow.h>

#include "debug/goroutines.h"
#include "debug/memprof.h"
#include "debug/blockprof.h"
#include "os/os.h"
#include "sched/proc.h"

/* ---- Tables ------------------------------------------------------------ */

void mwi_profile_add(struct mwi_profile *p, size_t bytes, const uintptr_t *pc, size_t n,
                     const int64_t *value) {
  uintptr_t key[1 + MWI_PROFILE_FRAMES] = {bytes};
  if (n > MWI_PROFILE_FRAMES) n = MWI_PROFILE_FRAMES;
  if (n) memcpy(key + 1, pc, n * sizeof *pc);
  size_t size = (n + 1) * sizeof *key;
  struct mwi_sample *s;
  HASH_FIND(hh, p->samples, key, size, s);
  if (!s) {
    s = malloc(sizeof *s + size);
    if (!s) {
      p->failed = true;
      return;
    }
    memset(s, 0, sizeof *s);
    memcpy(s->key, key, size);
    s->n = (uint32_t)n;
    HASH_ADD_KEYPTR(hh, p->samples, s->key, size, s);
    if (!s->hh.tbl) {
      p->failed = true;
      free(s);
      return;
    }
  }
  for (int i = 0; i < p->kind->nvalues; i++) s->value[i] += value[i];
}

void mwi_profile_subtract(struct mwi_profile *p, const struct mwi_profile *before) {
  for (const struct mwi_sample *b = before->samples; b; b = b->hh.next) {
    int64_t minus[MWI_PROFILE_VALUES];
    for (int i = 0; i < MWI_PROFILE_VALUES; i++) minus[i] = -b->value[i];
    mwi_profile_add(p, b->key[0], b->key + 1, b->n, minus);
  }
  for (struct mwi_sample *s = p->samples, *next; s; s = next) {
    next = s->hh.next;
    bool zero = true;
    for (int i = 0; i < p->kind->nvalues; i++) zero &= s->value[i] == 0;
    if (!zero) continue;
    HASH_DELETE(hh, p->samples, s);
    free(s);
  }
  p->failed |= before->failed;
  p->duration_ns = p->time_ns - before->time_ns;
}

void mwi_profile_free(struct mwi_profile *p) {
  struct mwi_sample *all = p->samples;
  HASH_CLEAR(hh, p->samples);
  while (all) {
    struct mwi_sample *next = all->hh.next;
    free(all);
    all = next;
  }
}

void mwi_profile_init(void) {
  mwi_thread_creator = mwi_profile_stack;
  mwi_blockprof_init();
}

size_t mwi_profile_stack(uintptr_t *pc, size_t max) {
  struct mwi_context here;
  struct mwi_unwind u;
  mwi_context_here(&here);
  mwi_unwind_init(&u, &here, false);
  mwi_unwind_allow_current(&u);
  size_t n = 0;
  while (n < max) {
    uintptr_t at = mwi_unwind_pc(&u);
    if (mwi_text_of(at - 1) != MWI_TEXT_RUNTIME) pc[n++] = at;
    if (!mwi_unwind_step(&u)) break;
  }
  return n;
}

/* ---- Pictures of the moment -------------------------------------------- */

static const struct mwi_profile_kind goroutine_kind = {
    .name = "goroutine",
    .nvalues = 1,
    .value = {{"goroutine", "count"}},
    .period = {"goroutine", "count"},
};
static const struct mwi_profile_kind threadcreate_kind = {
    .name = "threadcreate",
    .nvalues = 1,
    .value = {{"threadcreate", "count"}},
    .period = {"threadcreate", "count"},
};

static int take_goroutines(struct mwi_profile *p) {
  p->kind = &goroutine_kind;
  struct mwi_goroutines *all = mwi_goroutines_take(false);
  if (!all) return -ENOMEM;
  static const int64_t one[MWI_PROFILE_VALUES] = {1};
  for (size_t i = 0; i < all->n; i++) {
    const struct mwi_trace *t = &mwi_goroutines_at(all, i)->trace;
    uintptr_t pc[MWI_TRACE_MAX];
    size_t n = mwi_goroutines_at(all, i)->unavailable ? 0 : mwi_trace_len(t);
    for (size_t j = 0; j < n; j++) pc[j] = mwi_trace_pc(t, j);
    mwi_profile_add(p, 0, pc, n, one);
  }
  mwi_goroutines_free(all);
  return 0;
}

/* By what needed the thread: a goroutine that started another or went into a call that may
 * block; none where the scheduler did. */
static int take_threads(struct mwi_profile *p) {
  static const int64_t one[MWI_PROFILE_VALUES] = {1};
  struct creator {
    uintptr_t pc[MWI_CREATOR_FRAMES];
    uint32_t n;
  } *all;
  p->kind = &threadcreate_kind;
  /* mwi_profile_add uses malloc, which may need a lock of a thread that waits for this one */
  size_t most = MWI_MAX_THREADS, bytes = most * sizeof *all, n = 0; /* pages come when touched */
  all = mwi_os.map(bytes);
  if (!all) return -ENOMEM;
  mwi_lock(&mwi_sched.allm_lock);
  for (struct mwi_m *m = mwi_sched.all_m; m && n < most; m = m->next_all, n++) {
    all[n].n = m->ncreator;
    memcpy(all[n].pc, m->creator, all[n].n * sizeof *m->creator);
  }
  mwi_unlock(&mwi_sched.allm_lock);
  for (size_t i = 0; i < n; i++) mwi_profile_add(p, 0, all[i].pc, all[i].n, one);
  mwi_os.unreserve(all, bytes);
  return 0;
}

static int take_heap(struct mwi_profile *p, bool text) {
  return mwi_memprof_take(p, false, text);
}
static int take_allocs(struct mwi_profile *p, bool text) {
  return mwi_memprof_take(p, true, text);
}
static int take_goroutine(struct mwi_profile *p, bool text) {
  (void)text;
  return take_goroutines(p);
}
static int take_threadcreate(struct mwi_profile *p, bool text) {
  (void)text;
  return take_threads(p);
}
static int take_block(struct mwi_profile *p, bool text) {
  return mwi_blockprof_take(p, false, text);
}
static int take_mutex(struct mwi_profile *p, bool text) {
  return mwi_blockprof_take(p, true, text);
}

/* ---- By name ----------------------------------------------------------- */

const char *const mwi_profile_names[] = {"allocs", "block",        "goroutine", "heap",
                                         "mutex",  "threadcreate", NULL};

int mwi_profile_take(struct mwi_profile *p, const char *name, bool text) {
  static int (*const take[])(struct mwi_profile *p, bool text) = {
      take_allocs, take_block, take_goroutine, take_heap, take_mutex, take_threadcreate};
  *p = (struct mwi_profile){.kind = NULL};
  for (size_t i = 0; mwi_profile_names[i]; i++) {
    if (strcmp(mwi_profile_names[i], name) != 0) continue;
    mwi_attach();
    p->period = 1;
    p->time_ns = mwi_os_walltime();
    int r = take[i](p, text);
    return r == 0 && p->failed ? -ENOMEM : r;
  }
  return -ENOENT;
}

/* The dump of debug=2 through a file in memory, so that a failing fd is noticed. */
static int write_dump(int fd) {
  int mem = memfd_create("mallow-goroutines", MFD_CLOEXEC);
  if (mem < 0) return -errno;
  mw_print_goroutines(mem);
  off_t n = lseek(mem, 0, SEEK_END);
  int r = 0;
  if (n > 0) {
    void *p = mmap(NULL, (size_t)n, PROT_READ, MAP_SHARED, mem, 0);
    r = p == MAP_FAILED ? -errno : mwi_os_write(fd, p, (size_t)n);
    if (p != MAP_FAILED) munmap(p, (size_t)n);
  }
  close(mem);
  return r;
}

int mwi_profile_write(const char *name, int fd, int debug) {
  if (debug >= 2 && strcmp(name, "goroutine") == 0) return write_dump(fd);
  struct mwi_profile p;
  int r = mwi_profile_take(&p, name, debug != 0);
  if (r == 0) r = debug ? mwi_profile_write_text(&p, fd) : mwi_profile_write_proto(&p, fd);
  mwi_profile_free(&p);
  return r;
}

MWI_EXPORT int mw_pprof_write(const char *profile, int fd, int debug) {
  int r;
  /* now: what is opened on the way would get the number of a closed one */
  if (fcntl(fd, F_GETFD) < 0)
    r = -EBADF;
  else if (!profile || debug < 0)
    r = -EINVAL;
  else {
    int cancel = mwi_cancel_off();
    r = mwi_profile_write(profile, fd, debug);
    mwi_cancel_back(cancel);
  }
  if (r == 0) return 0;
  mwi_errno_set(-r);
  return -1;
}
