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
 *          A name may be another's as soon as the call that ends it has returned.  So what a timer
 *          keeps, and a thread that is detached, is taken out before that call.  Which thread was
 *          joined tells the result: one of a new thread of that name may be there already.
 * Limits   Calls by code that mallow has not compiled are not seen, except pthread_create.  Kept
 *          until the name is used again: a result that such code takes by pthread_join, or of a
 *          thread that is detached just when it ends; epoll's data after a close without
 *          EPOLL_CTL_DEL, since the descriptor may have been duplicated.  The values of sigqueue,
 *          mq_notify and asynchronous input and output are the program's to keep.
 * Threads  An entry is under its shard's lock, epoll_ctl too, so that kernel and table agree;
 *          handles are made and freed outside of it.  A handler's jump waits until a call has done
 *          both (gc/jumps.h).
 */
#define _GNU_SOURCE 1
#include "sched/kept.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

#include <mallow.h>

#include "gc/gc.h"
#include "gc/jumps.h"
#include "os/fault.h"
#include "os/os.h"
#include "os/thread.h"
#include "sched/libc.h"
#include "sched/proc.h"

struct kept {
  struct kept *next; /* of its bucket */
  uint64_t key;
  enum mwi_kept_by by;
  uint32_t times; /* by how many threads of this name it was given, that nobody has joined yet */
  mw_handle handle;
  uintptr_t object; /* the handle's */
};

#define SHARDS 16
#define BUCKETS 64 /* of a shard; some thousand connections: a few steps */
static struct shard {
  struct mwi_lock lock;
  struct mwi_meta_free unused; /* under lock, as the rest */
  struct kept *buckets[BUCKETS];
} MWI_ALIGNED(64) shards[SHARDS];
static _Atomic uint32_t entries; /* relaxed: 0 only while there was none for anybody */

static bool collected(const void *p) {
  return mwi_heap_lookup((uintptr_t)p) != 0;
}

static struct mwi_g *section_begin(void) {
  struct mwi_g *g = mwi_getg();
  mwi_jumps_wait(g);
  mwi_attach();
  return g;
}
static void section_end(struct mwi_g *g) {
  mwi_jumps_go(g);
}

/* A handle of p's, or 0 where that is not collected. */
static mw_handle handle_of(void *p) {
  return collected(p) ? mw_handle_new(p) : 0;
}
static void let_go(mw_handle handle) {
  if (handle) mw_handle_free(handle);
}

static struct shard *lock_shard(enum mwi_kept_by by, uint64_t key, struct kept ***at) {
  uint64_t hash = ((key ^ key >> 32) * 0x9e3779b97f4a7c15ul + by) >> 54;
  struct shard *s = &shards[hash % SHARDS];
  mwi_lock(&s->lock);
  for (*at = &s->buckets[hash / SHARDS]; **at; *at = &(**at)->next)
    if ((**at)->key == key && (**at)->by == by) break;
  return s;
}
_Static_assert(SHARDS *BUCKETS == 1 << (64 - 54), "lock_shard's shift");

/* What is at `at` is to be `now`'s, which has a handle or not.  Returns the handle that goes. */
static mw_handle put_locked(struct shard *s, struct kept **at, const struct kept *now) {
  struct kept *k = *at, *next = k ? k->next : NULL;
  mw_handle before = k ? k->handle : 0;
  if (now->handle) {
    if (!k) {
      k = mwi_meta_take(&s->unused, sizeof *k, 16);
      mwi_add_relaxed(&entries, 1);
    }
    *k = *now;
    k->next = next;
    *at = k;
  } else if (k) {
    *at = next;
    mwi_meta_give(&s->unused, k);
    mwi_add_relaxed(&entries, (uint32_t)-1);
  }
  return before;
}

static struct kept entry(enum mwi_kept_by by, uint64_t key, void *p, mw_handle handle) {
  return (struct kept){.key = key, .by = by, .times = 1, .handle = handle, .object = (uintptr_t)p};
}

static void put(const struct kept *now) {
  struct kept **at;
  struct shard *s = lock_shard(now->by, now->key, &at);
  mw_handle before = put_locked(s, at, now);
  mwi_unlock(&s->lock);
  let_go(before);
}

void mwi_keep(enum mwi_kept_by by, uint64_t key, void *p) {
  if (!collected(p) && mwi_load_relaxed(&entries) == 0) return;
  struct mwi_g *g = section_begin();
  struct kept now = entry(by, key, p, handle_of(p));
  put(&now);
  section_end(g);
}

/* What is kept by a name that is about to be no more: in the caller's hand. */
static struct kept take_out(enum mwi_kept_by by, uint64_t key) {
  struct kept was = entry(by, key, NULL, 0), **at;
  struct shard *s = lock_shard(by, key, &at);
  if (*at) was = **at;
  put_locked(s, at, &(struct kept){0});
  mwi_unlock(&s->lock);
  return was;
}

/* And? */
static void ended(const struct kept *was, bool yes) {
  if (!was->handle) return;
  mwi_assert(mw_handle_get(was->handle) == (void *)was->object); /* [KP1] */
  if (yes)
    mw_handle_free(was->handle);
  else
    put(was);
}

/* ---- Threads -------------------------------------------------------------- */

/* os/thread.h's hooks.  The argument of pthread_create; 0: nothing that has to be kept. */
static uintptr_t give(void *arg) {
  if (!collected(arg) || mwi_off_goroutine()) return 0;
  struct mwi_g *g = section_begin();
  mw_handle handle = mw_handle_new(arg);
  section_end(g);
  return handle;
}

static void give_up(uintptr_t given) {
  struct mwi_g *g = section_begin();
  mw_handle_free(given);
  section_end(g);
}

/* The new thread has the argument on its stack; fn comes next. */
static void take(uintptr_t given, void *arg, void (*fn)(void)) {
  mwi_attach_for(fn);
  mwi_assert(mw_handle_get(given) == arg); /* [KP1] */
  (void)arg;
  give_up(given);
}

static bool is_detached(pthread_t t) {
  pthread_attr_t attr;
  int state = PTHREAD_CREATE_JOINABLE;
  if (pthread_getattr_np(t, &attr) != 0) return false;
  pthread_attr_getdetachstate(&attr, &state);
  pthread_attr_destroy(&attr);
  return state == PTHREAD_CREATE_DETACHED;
}

void mwi_thread_gives(void *result) {
  if (!collected(result)) return;
  struct mwi_g *g = section_begin();
  pthread_t self = pthread_self();
  struct kept now = entry(MWI_KEPT_THREAD, (uint64_t)self, result, mw_handle_new(result)), **at;
  struct shard *s = lock_shard(now.by, now.key, &at);
  /* The last of this name gave the same, and somebody is about to say that he has it. */
  if (*at && (*at)->object == now.object) now.times += (*at)->times;
  mw_handle before = put_locked(s, at, &now);
  mwi_unlock(&s->lock);
  let_go(before);
  /* Nobody joins a detached one.  To look after that is early enough: who detaches it from now on
   * finds what is kept. */
  if (is_detached(self)) mwi_keep(MWI_KEPT_THREAD, (uint64_t)self, NULL);
  section_end(g);
}

int mwi_rt_pthread_join(pthread_t t, void **result);
int mwi_rt_pthread_tryjoin_np(pthread_t t, void **result);
int mwi_rt_pthread_timedjoin_np(pthread_t t, void **result, const struct timespec *at);
int mwi_rt_pthread_clockjoin_np(pthread_t t, void **result, clockid_t clock,
                                const struct timespec *at);
int mwi_rt_pthread_detach(pthread_t t);

/* The caller has the result, where it wanted it: freeing the handle tells the collector. */
static int joined(pthread_t t, int error, void *result) {
  if (error != 0 || !collected(result) || mwi_off_goroutine()) return error;
  struct mwi_g *g = section_begin();
  struct kept **at, *k;
  mw_handle before = 0;
  struct shard *s = lock_shard(MWI_KEPT_THREAD, (uint64_t)t, &at);
  if ((k = *at) != NULL && k->object == (uintptr_t)result && --k->times == 0)
    before = put_locked(s, at, &(struct kept){0});
  mwi_unlock(&s->lock);
  mwi_assert(!before || mw_handle_get(before) == result); /* [KP1] */
  let_go(before);
  section_end(g);
  return error;
}

#define JOINED(call)                                                                               \
  do {                                                                                             \
    void *unwanted = NULL, **to = result ? result : &unwanted;                                     \
    int error = (call);                                                                            \
    return joined(t, error, error ? NULL : *to);                                                   \
  } while (0)

MWI_EXPORT int mwi_rt_pthread_join(pthread_t t, void **result) {
  JOINED(pthread_join(t, to));
}
MWI_EXPORT int mwi_rt_pthread_tryjoin_np(pthread_t t, void **result) {
  JOINED(pthread_tryjoin_np(t, to));
}
MWI_EXPORT int mwi_rt_pthread_timedjoin_np(pthread_t t, void **result, const struct timespec *at) {
  JOINED(pthread_timedjoin_np(t, to, at));
}
MWI_EXPORT int mwi_rt_pthread_clockjoin_np(pthread_t t, void **result, clockid_t clock,
                                           const struct timespec *at) {
  JOINED(pthread_clockjoin_np(t, to, clock, at));
}

MWI_EXPORT int mwi_rt_pthread_detach(pthread_t t) {
  if (mwi_load_relaxed(&entries) == 0 || mwi_off_goroutine()) return pthread_detach(t);
  struct mwi_g *g = section_begin();
  struct kept was = take_out(MWI_KEPT_THREAD, (uint64_t)t);
  int error = pthread_detach(t);
  ended(&was, error == 0);
  section_end(g);
  return error;
}

/* ---- Events ---------------------------------------------------------------- */

int mwi_rt_epoll_ctl(int set, int op, int fd, struct epoll_event *event);
int mwi_rt_timer_delete(timer_t timer);

/* The kernel may give an event to another thread at once; and what it had is not let go before it
 * has forgotten it. */
MWI_EXPORT int mwi_rt_epoll_ctl(int set, int op, int fd, struct epoll_event *event) {
  struct epoll_event e = {0};
  struct epoll_event *copy = NULL; /* the caller's may be on a stack that is folded */
  if (event && op != EPOLL_CTL_DEL) copy = mwi_os_copy(&e, event, sizeof e) ? &e : event;
  void *p = copy == &e ? e.data.ptr : NULL;
  if ((!collected(p) && mwi_load_relaxed(&entries) == 0) || mwi_off_goroutine())
    return (int)mwi_result(mwi_sys4(SYS_epoll_ctl, set, op, fd, copy));
  struct mwi_g *g = section_begin();
  struct kept now = entry(MWI_KEPT_EPOLL, (uint64_t)(uint32_t)set << 32 | (uint32_t)fd, p,
                          handle_of(p)),
              **at;
  struct shard *s = lock_shard(now.by, now.key, &at);
  long r = mwi_sys4(SYS_epoll_ctl, set, op, fd, copy);
  mw_handle goes = r == 0 ? put_locked(s, at, &now) : now.handle;
  mwi_unlock(&s->lock);
  let_go(goes);
  section_end(g);
  return (int)mwi_result(r);
}

MWI_EXPORT int mwi_rt_timer_delete(timer_t timer) {
  if (mwi_load_relaxed(&entries) == 0 || mwi_off_goroutine()) return timer_delete(timer);
  struct mwi_g *g = section_begin();
  struct kept was = take_out(MWI_KEPT_TIMER, (uintptr_t)timer);
  int r = timer_delete(timer), saved = mwi_errno_get();
  ended(&was, r == 0);
  mwi_errno_set(saved);
  section_end(g);
  return r;
}

/* ---- For good, or until it is closed ---------------------------------------- */

int mwi_rt_on_exit(void (*fn)(int, void *), void *arg);
FILE *mwi_rt_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions);

MWI_EXPORT int mwi_rt_on_exit(void (*fn)(int, void *), void *arg) {
  (void)give(arg); /* for good */
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
  give_up(c->handle);
  free(c);
  return r;
}

MWI_EXPORT FILE *mwi_rt_fopencookie(void *cookie, const char *mode,
                                    cookie_io_functions_t functions) {
  mwi_store_relaxed(&mwi_callbacks_everywhere, 1); /* any printf may call back from now on */
  if (!collected(cookie) || mwi_off_goroutine()) return fopencookie(cookie, mode, functions);
  struct cookie *c = malloc(sizeof *c);
  if (!c) return NULL;
  *c = (struct cookie){cookie, give(cookie), functions};
  cookie_io_functions_t ours = {
      .read = functions.read ? cookie_read : NULL,
      .write = functions.write ? cookie_write : NULL,
      .seek = functions.seek ? cookie_seek : NULL,
      .close = cookie_close,
  };
  FILE *f = fopencookie(c, mode, ours);
  if (f) return f;
  int saved = mwi_errno_get();
  give_up(c->handle);
  free(c);
  mwi_errno_set(saved);
  return NULL;
}

void mwi_kept_init(void) {
  for (int i = 0; i < SHARDS; i++) shards[i].lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_ROOTS);
  mwi_thread_hooks = (struct mwi_thread_hooks){
      .give = give,
      .give_up = give_up,
      .take = take,
      .gives = mwi_thread_gives,
  };
}
