/* SPDX-License-Identifier: MIT */
/*
 * sched/kept.c -- objects that only libc or the kernel holds for a while
 *
 * Job      pthread_create's argument until the new thread has it, and pthread_join's result
 *          until somebody has it; the value of a timer's event, until timer_delete; data.ptr of
 *          epoll_event, as long as epoll_wait may give it; on_exit's argument; fopencookie's
 *          cookie, until fclose.
 * Promise  [KP1] What C code gives away there, and has nowhere else, is what it gets back.
 * How      A handle (gc/handle.c) for each: its place is a root, and making and freeing it tells
 *          a collection that is under way.  A thread that is given an object is attached before
 *          its first instruction, so that its stack is one that is scanned.  What comes back by
 *          a name (thread, timer, descriptor) is found in a table.
 * Limits   Calls by code that mallow has not compiled are not seen, except pthread_create.  A
 *          result that such code takes by pthread_join is kept until a thread has the same name
 *          again, as is epoll's data after a close without EPOLL_CTL_DEL until the number of the
 *          descriptor is used again: it may have been duplicated.  The values of sigqueue,
 *          mq_notify and asynchronous input and output are the program's to keep.
 * Threads  The table is under its lock; handles are made and freed outside of it, so two that
 *          change one entry at once keep what the later one gave.
 */
#define _GNU_SOURCE 1
#include "sched/kept.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include <mallow.h>

#include "gc/gc.h"
#include "os/os.h"
#include "os/thread.h"
#include "sched/proc.h"

struct kept {
  struct kept *next; /* of its bucket */
  uint64_t key;
  enum mwi_kept_by by;
  mw_handle handle;
};

#define BUCKETS 1024 /* some thousand connections: a few steps */
static struct mwi_lock table_lock = MWI_LOCK_INIT(MWI_RANK_ROOTS);
static struct kept *buckets[BUCKETS]; /* under table_lock, as the next */
static struct mwi_meta_free unused;
static _Atomic uint32_t entries; /* relaxed: 0 only while there was none for anybody */

static bool collected(const void *p) {
  return mwi_heap_lookup((uintptr_t)p) != 0;
}

static struct kept **find_locked(enum mwi_kept_by by, uint64_t key) {
  struct kept **at = &buckets[((key ^ key >> 32) * 0x9e3779b97f4a7c15ul + by) >> 54];
  while (*at && ((*at)->key != key || (*at)->by != by)) at = &(*at)->next;
  return at;
}
_Static_assert(BUCKETS == 1 << (64 - 54), "find_locked's shift");

void mwi_keep(enum mwi_kept_by by, uint64_t key, void *p) {
  bool yes = collected(p);
  if (!yes && mwi_load_relaxed(&entries) == 0) return;
  mwi_attach();
  mw_handle now = yes ? mw_handle_new(p) : 0, before = 0;
  mwi_lock(&table_lock);
  struct kept **at = find_locked(by, key), *k = *at;
  if (k) {
    before = k->handle;
    k->handle = now;
    if (!now) {
      *at = k->next;
      mwi_meta_give(&unused, k);
      mwi_add_relaxed(&entries, (uint32_t)-1);
    }
  } else if (now) {
    k = mwi_meta_take(&unused, sizeof *k, 16);
    *k = (struct kept){.next = NULL, .key = key, .by = by, .handle = now};
    *at = k;
    mwi_add_relaxed(&entries, 1);
  }
  mwi_unlock(&table_lock);
  if (before) mw_handle_free(before);
}

/* ---- Threads -------------------------------------------------------------- */

/* os/thread.h's hooks.  The argument of pthread_create; 0: nothing that has to be kept. */
static uintptr_t give(void *arg) {
  return collected(arg) && !mwi_off_goroutine() ? mw_handle_new(arg) : 0;
}

/* The new thread has the argument on its stack; fn comes next. */
static void take(uintptr_t given, void (*fn)(void)) {
  mwi_attach_for(fn);
  mw_handle_free(given);
}

void mwi_thread_gives(void *result) {
  if (!collected(result)) return;
  mwi_attach();
  uint64_t self = (uint64_t)pthread_self();
  mwi_keep(MWI_KEPT_THREAD, self, result);
  /* Nobody joins a detached one.  To look after that is early enough: who detaches it from now on
   * finds what is kept. */
  pthread_attr_t attr;
  int state = PTHREAD_CREATE_JOINABLE;
  if (pthread_getattr_np((pthread_t)self, &attr) != 0) return;
  pthread_attr_getdetachstate(&attr, &state);
  pthread_attr_destroy(&attr);
  if (state == PTHREAD_CREATE_DETACHED) mwi_keep(MWI_KEPT_THREAD, self, NULL);
}

int mwi_rt_pthread_join(pthread_t t, void **result);
int mwi_rt_pthread_tryjoin_np(pthread_t t, void **result);
int mwi_rt_pthread_timedjoin_np(pthread_t t, void **result, const struct timespec *at);
int mwi_rt_pthread_clockjoin_np(pthread_t t, void **result, clockid_t clock,
                                const struct timespec *at);
int mwi_rt_pthread_detach(pthread_t t);

/* The caller has the result, where it wanted it: freeing the handle tells the collector. */
static int joined(pthread_t t, int error) {
  if (error == 0 && !mwi_off_goroutine()) mwi_keep(MWI_KEPT_THREAD, (uint64_t)t, NULL);
  return error;
}

MWI_EXPORT int mwi_rt_pthread_join(pthread_t t, void **result) {
  return joined(t, pthread_join(t, result));
}
MWI_EXPORT int mwi_rt_pthread_tryjoin_np(pthread_t t, void **result) {
  return joined(t, pthread_tryjoin_np(t, result));
}
MWI_EXPORT int mwi_rt_pthread_timedjoin_np(pthread_t t, void **result, const struct timespec *at) {
  return joined(t, pthread_timedjoin_np(t, result, at));
}
MWI_EXPORT int mwi_rt_pthread_clockjoin_np(pthread_t t, void **result, clockid_t clock,
                                           const struct timespec *at) {
  return joined(t, pthread_clockjoin_np(t, result, clock, at));
}
MWI_EXPORT int mwi_rt_pthread_detach(pthread_t t) {
  return joined(t, pthread_detach(t));
}

/* ---- Events ---------------------------------------------------------------- */

int mwi_rt_epoll_ctl(int set, int op, int fd, struct epoll_event *event);
int mwi_rt_timer_delete(timer_t timer);

MWI_EXPORT int mwi_rt_epoll_ctl(int set, int op, int fd, struct epoll_event *event) {
  struct epoll_event e;
  struct epoll_event *copy = NULL; /* the caller's may be on a stack that is folded */
  if (event && op != EPOLL_CTL_DEL) copy = memcpy(&e, event, sizeof e);
  bool keeps = !mwi_off_goroutine();
  /* Before the kernel has it, since another thread may get it at once; and not let go before the
   * kernel has forgotten it. */
  mw_handle meanwhile = keeps && copy && collected(e.data.ptr) ? mw_handle_new(e.data.ptr) : 0;
  int r = epoll_ctl(set, op, fd, copy);
  if (r == 0 && keeps)
    mwi_keep(MWI_KEPT_EPOLL, (uint64_t)(uint32_t)set << 32 | (uint32_t)fd,
             copy ? e.data.ptr : NULL);
  if (meanwhile) mw_handle_free(meanwhile);
  return r;
}

MWI_EXPORT int mwi_rt_timer_delete(timer_t timer) {
  int r = timer_delete(timer);
  if (r == 0 && !mwi_off_goroutine()) mwi_keep(MWI_KEPT_TIMER, (uintptr_t)timer, NULL);
  return r;
}

/* ---- For good, or until it is closed ---------------------------------------- */

int mwi_rt_on_exit(void (*fn)(int, void *), void *arg);
FILE *mwi_rt_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);

MWI_EXPORT int mwi_rt_on_exit(void (*fn)(int, void *), void *arg) {
  if (collected(arg) && !mwi_off_goroutine()) mw_handle_new(arg);
  return on_exit(fn, arg);
}

struct cookie {
  void *cookie;
  mw_handle handle;
  cookie_io_functions_t functions;
};

static ssize_t cookie_read(void *p, char *buf, size_t n) {
  struct cookie *c = p;
  return c->functions.read(c->cookie, buf, n);
}
static ssize_t cookie_write(void *p, const char *buf, size_t n) {
  struct cookie *c = p;
  return c->functions.write(c->cookie, buf, n);
}
static int cookie_seek(void *p, off64_t *at, int whence) {
  struct cookie *c = p;
  return c->functions.seek(c->cookie, at, whence);
}
static int cookie_close(void *p) {
  struct cookie *c = p;
  int r = c->functions.close ? c->functions.close(c->cookie) : 0;
  mwi_attach();
  mw_handle_free(c->handle);
  free(c);
  return r;
}

MWI_EXPORT FILE *mwi_rt_fopencookie(void *cookie, const char *mode,
                                    cookie_io_functions_t functions) {
  mwi_store_relaxed(&mwi_callbacks_everywhere, 1); /* any printf may call back from now on */
  if (!collected(cookie) || mwi_off_goroutine()) return fopencookie(cookie, mode, functions);
  struct cookie *c = malloc(sizeof *c);
  if (!c) return NULL;
  *c = (struct cookie){cookie, mw_handle_new(cookie), functions};
  cookie_io_functions_t ours = {
      .read = functions.read ? cookie_read : NULL,
      .write = functions.write ? cookie_write : NULL,
      .seek = functions.seek ? cookie_seek : NULL,
      .close = cookie_close,
  };
  FILE *f = fopencookie(c, mode, ours);
  if (f) return f;
  int saved = mwi_errno_get();
  mw_handle_free(c->handle);
  free(c);
  mwi_errno_set(saved);
  return NULL;
}

void mwi_kept_init(void) {
  mwi_thread_hooks = (struct mwi_thread_hooks){
      .give = give,
      .give_up = mw_handle_free,
      .take = take,
      .gives = mwi_thread_gives,
  };
}
