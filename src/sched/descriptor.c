/* SPDX-License-Identifier: MIT */
/*
 * sched/descriptor.c -- records of descriptors: kinds, options, lives
 *
 * Job      Make records, keep what the kernel says of a descriptor so that it is asked once,
 *          and end a number's life when it is closed: all who wait are woken.
 * Promise  [NP4] of netpoll.h.
 * How      What is known is thrown away when compiled code may have changed it
 *          (setsockopt, fcntl, dup), and does not outlive a life.
 *
 *              close:   begin   seq + 1, waiters get EBADF, out of its set, closing = 1
 *                       the kernel's close, which another thread's open may follow at once
 *                       end     closing = 0, unless mwi_pd_fresh has begun a life by then
 *
 * Threads  A record's lock guards its life; attempts do not take it.  Closes may come from any
 *          thread, and from signal handlers.  Locks: NETPOLL, then TIMER, then SCHED.
 * Next     iowait.c, libc_fd.c (who calls)
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "os/syscall.h"
#include "sched/iowait.h"
#include "sched/netpoll.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

/* ---- Records ----------------------------------------------------------- */

/* The process whose numbers these are.  The child of a vfork shares our memory, and
 * what it opens and closes are other descriptors: it must not touch the records. */
static _Atomic int owner_pid;

static bool records_are_ours(void) {
  return (int)mwi_sys0(SYS_getpid) == mwi_load_relaxed(&owner_pid);
}

_Atomic(struct mwi_pd *) mwi_pd_chunks[MWI_PD_CHUNKS];
static _Atomic uint32_t nchunks; /* none are past this */

/* Options are not known, or not any more.  Any thread, without the lock. */
static void forget_options(struct mwi_pd *pd) {
  uint8_t now = mwi_load_relaxed(&pd->opts);
  while (
      !mwi_cas_acqrel(&pd->opts, &now, (uint8_t)((now | 1) + 1))) { /* pairs with mwi_pd_options */
  }
}

/* A signal handler, perhaps over a holder of a record's lock, or of the allocator's. */
static bool over_the_runtime(void) {
  struct mwi_tcb *t = mwi_tcb();
  return t->attached && (t->rt > 0 || t->waits);
}

/* So the record stays as it is, and the next wait finds out. */
static void look_again(struct mwi_pd *pd) {
  mwi_store_seqcst(&pd->sticky, true);
  mwi_store_seqcst(&pd->foreign, true);
}

static void life_begins(struct mwi_pd *pd, enum mwi_fd_kind kind, bool foreign) {
  mwi_store_relaxed(&pd->registered, false);
  mwi_store_relaxed(&pd->kind, (uint8_t)kind);
  forget_options(pd);
  mwi_store_relaxed(&pd->lowat, false);
  mwi_store_relaxed(&pd->shared, false);
  mwi_store_relaxed(&pd->sticky, false);
  mwi_store_relaxed(&pd->blocks, false);
  mwi_store_relaxed(&pd->foreign, foreign || !mwi_closes_are_seen);
  mwi_store_relaxed(&pd->nowait_no, 0);
  mwi_store_relaxed(&pd->home, MWI_POLL_ALL);
  mwi_store_relaxed(&pd->turns, MWI_HOME_TURNS - MWI_HOME_FIRST);
  for (int d = 0; d < 2; d++) {
    mwi_store_relaxed(&pd->timeout[d], 0);
    mwi_store_seqcst(&pd->ready[d], 1);
  }
}

static MWI_COLD void make_chunk(uint32_t k) {
  struct mwi_pd *c = mwi_meta_alloc(MWI_PD_CHUNK * sizeof *c, 64);
  for (int i = 0; i < MWI_PD_CHUNK; i++) {
    c[i].lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_NETPOLL);
    life_begins(&c[i], MWI_FD_UNKNOWN, true);
  }
  struct mwi_pd *none = NULL;
  if (!mwi_load_relaxed(&owner_pid)) mwi_store_relaxed(&owner_pid, (int)mwi_sys0(SYS_getpid));
  /* Counted before it can be found: a close of what was found there looks at the count first. */
  uint32_t n = mwi_load_relaxed(&nchunks);
  while (n <= k && !mwi_cas_acqrel(&nchunks, &n, k + 1)) {
  }
  /* Pairs with mwi_pd_find.  If another thread was first, this one is lost: 16 KB, once. */
  mwi_cas_acqrel(&mwi_pd_chunks[k], &none, c);
}

MWI_COLD struct mwi_pd *mwi_pd_get_slow(int fd) {
  if (fd < 0 || fd >= MWI_PD_CHUNK * MWI_PD_CHUNKS) return NULL;
  mwi_rt_enter(); /* mwi_meta_alloc takes a lock */
  make_chunk((uint32_t)fd / MWI_PD_CHUNK);
  mwi_rt_leave();
  return mwi_pd_find(fd);
}

static int socket_option(int fd, int level, int name, void *value, socklen_t bytes) {
  return (int)mwi_sys5(SYS_getsockopt, fd, level, name, value, &bytes);
}

static int socket_kind(int fd) {
  int type = 0, protocol = 0, domain = 0;
  int e = socket_option(fd, SOL_SOCKET, SO_TYPE, &type, sizeof type);
  if (e < 0) return e;
  socket_option(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, sizeof protocol);
  socket_option(fd, SOL_SOCKET, SO_DOMAIN, &domain, sizeof domain);
  if (type != SOCK_STREAM) return MWI_FD_DGRAM;
  bool tcp = (domain == AF_INET || domain == AF_INET6) && protocol == IPPROTO_TCP;
  return tcp ? MWI_FD_TCP : MWI_FD_STREAM;
}

int mwi_pd_kind(struct mwi_pd *pd, int fd) {
  int kind = mwi_load_relaxed(&pd->kind);
  if (MWI_LIKELY(kind != MWI_FD_UNKNOWN)) return kind;
  uint32_t seq = mwi_load_seqcst(&pd->seq);
  struct stat st;
  long e = mwi_sys2(SYS_fstat, fd, &st);
  if (mwi_sys_failed(e)) return (int)e;
  switch (st.st_mode & S_IFMT) {
  case S_IFREG:
  case S_IFDIR:
  case S_IFBLK:
    kind = MWI_FD_FILE;
    break;
  case S_IFSOCK:
    kind = socket_kind(fd);
    if (kind < 0) return kind;
    break;
  default:
    kind = MWI_FD_OTHER;
    break;
  }
  mwi_lock(&pd->lock);
  if (mwi_load_relaxed(&pd->seq) == seq) {
    mwi_store_relaxed(&pd->foreign, true);
    mwi_store_relaxed(&pd->kind, (uint8_t)kind);
  }
  mwi_unlock(&pd->lock);
  return kind;
}

void mwi_pd_mistaken(struct mwi_pd *pd) {
  mwi_lock(&pd->lock);
  mwi_store_relaxed(&pd->kind, MWI_FD_UNKNOWN);
  forget_options(pd);
  mwi_unlock(&pd->lock);
}

void mwi_pd_options_changed(int fd) {
  struct mwi_pd *pd = mwi_pd_find(fd);
  if (pd) forget_options(pd);
}

void mwi_pd_low_water(int fd) {
  struct mwi_pd *pd = mwi_pd_find(fd);
  if (pd) mwi_store_relaxed(&pd->lowat, true);
}

/* Who waits already goes on to wait, as in the kernel: no entry is for it any more [NP8]. */
void mwi_pd_flags_changed(int fd) {
  struct mwi_pd *pd = mwi_pd_find(fd);
  if (!pd) return;
  mwi_store_relaxed(&pd->blocks, false);
  mwi_add_relaxed(&pd->parks, 1);
  mwi_io_was_asked(pd);
}

void mwi_pd_shared(int fd) {
  if (!mwi_load_acquire(&nchunks)) return;
  struct mwi_pd *pd = over_the_runtime() ? mwi_pd_find(fd) : mwi_pd_get(fd);
  if (pd) mwi_store_relaxed(&pd->shared, true);
}

struct options {
  int64_t timeout[2]; /* ns */
  bool lowat, sticky;
};

static void ask_options(int kind, int fd, struct options *o) {
  const int option[2] = {[MWI_IO_READ] = SO_RCVTIMEO, [MWI_IO_WRITE] = SO_SNDTIMEO};
  *o = (struct options){0};
  for (int d = 0; d < 2; d++) {
    struct timeval t = {0};
    if (socket_option(fd, SOL_SOCKET, option[d], &t, sizeof t) < 0) continue;
    o->timeout[d] = (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
  }
  int low = 1;
  if (socket_option(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low) == 0) o->lowat = low > 1;
  /* An upper layer (TLS) gives one record at a time: a short read has not emptied it. */
  char ulp[16] = "";
  o->sticky =
      kind == MWI_FD_TCP && socket_option(fd, IPPROTO_TCP, TCP_ULP, ulp, sizeof ulp) == 0 && ulp[0];
}

/*
 * They count as known when they are there, not before: another goroutine would go by what was there
 * until then, and wait without end.  What was asked for before a change goes, so
 * whoever finds another count than before asks again.  (The same one after 128 changes meanwhile.)
 */
void mwi_pd_options(struct mwi_pd *pd, int fd) {
  int kind = mwi_load_relaxed(&pd->kind);
  if (kind != MWI_FD_TCP && kind != MWI_FD_STREAM && kind != MWI_FD_DGRAM) return;
  for (bool done = false; !done;) {
    uint8_t then = mwi_load_acquire(&pd->opts); /* pairs with the CAS below */
    if ((then & 1) && !mwi_load_relaxed(&pd->shared)) return;
    struct options o;
    ask_options(kind, fd, &o);
    mwi_lock(&pd->lock);
    if (mwi_load_relaxed(&pd->opts) == then) {
      for (int d = 0; d < 2; d++) mwi_store_relaxed(&pd->timeout[d], o.timeout[d]);
      mwi_store_relaxed(&pd->lowat, o.lowat);
      if (o.sticky) mwi_store_relaxed(&pd->sticky, true);
      done = mwi_cas_acqrel(&pd->opts, &then, (uint8_t)(then | 1));
    }
    mwi_unlock(&pd->lock);
  }
}

/* ---- Lives ------------------------------------------------------------- */

/* Lock a record whose waiters are to be woken.  Only a thread that stops with the
 * world may do that. */
static void lock_to_wake(struct mwi_pd *pd) {
  mwi_lock(&pd->lock);
  while (!mwi_tcb()->attached && (mwi_load_relaxed(&pd->queue[MWI_IO_READ]) ||
                                  mwi_load_relaxed(&pd->queue[MWI_IO_WRITE]))) {
    mwi_unlock(&pd->lock);
    mwi_attach_slow();
    mwi_lock(&pd->lock);
  }
}

static void unlock_and_run(struct mwi_pd *pd, struct mwi_glist *woken) {
  mwi_rt_enter(); /* the goroutines woken are on nobody's list until they are queued */
  mwi_unlock(&pd->lock);
  mwi_glist_run_beside(woken);
  mwi_rt_leave();
}

static void end_life_locked(struct mwi_pd *pd, int fd, struct mwi_glist *woken) {
  mwi_store_seqcst(&pd->seq, mwi_load_relaxed(&pd->seq) + 1);
  for (enum mwi_io_dir d = MWI_IO_READ; d <= MWI_IO_WRITE; d++)
    mwi_pd_wake_locked(pd, d, MWI_IOW_CLOSED, woken);
  /* Duplicates keep the open file in the set otherwise, under a number that means
   * something else by then. */
  if (fd >= 0 && mwi_load_relaxed(&pd->registered))
    mwi_netpoll_os_remove(mwi_load_relaxed(&pd->home), fd);
}

void mwi_pd_fresh(int fd, enum mwi_fd_kind kind) {
  if (over_the_runtime()) {
    struct mwi_pd *pd = mwi_pd_find(fd);
    if (!pd || !records_are_ours()) return;
    mwi_store_relaxed(&pd->kind, MWI_FD_UNKNOWN);
    forget_options(pd);
    look_again(pd);
    return;
  }
  struct mwi_pd *pd = kind != MWI_FD_UNKNOWN ? mwi_pd_get(fd) : mwi_pd_find(fd);
  if (!pd || !records_are_ours()) return;
  struct mwi_glist woken = {0};
  lock_to_wake(pd);
  mwi_store_seqcst(&pd->closing, false);
  end_life_locked(pd, -1, &woken); /* closed where we did not see it: gone from the set */
  life_begins(pd, kind, kind == MWI_FD_UNKNOWN);
  unlock_and_run(pd, &woken);
}

struct mwi_g *mwi_pd_section(void) {
  return mwi_load_acquire(&nchunks) ? mwi_getg() : NULL;
}

struct mwi_pd *mwi_pd_close_begin(int fd, uint32_t *seq) {
  /* Nobody has met a descriptor yet, and perhaps no thread its control block. */
  if (!mwi_load_acquire(&nchunks)) return NULL;
  struct mwi_pd *pd = mwi_pd_find(fd);
  if (!pd) return NULL;
  if (over_the_runtime()) {
    look_again(pd);
    return NULL;
  }
  if (!records_are_ours()) return NULL;
  struct mwi_glist woken = {0};
  lock_to_wake(pd);
  mwi_store_seqcst(&pd->closing, true);
  end_life_locked(pd, fd, &woken);
  life_begins(pd, MWI_FD_UNKNOWN, true);
  *seq = mwi_load_relaxed(&pd->seq);
  unlock_and_run(pd, &woken);
  return pd;
}

void mwi_pd_close_end(struct mwi_pd *pd, uint32_t seq) {
  if (!pd) return;
  struct mwi_glist woken = {0};
  lock_to_wake(pd);
  if (mwi_load_relaxed(&pd->seq) == seq) { /* else fresh has done it */
    mwi_store_seqcst(&pd->closing, false);
    for (enum mwi_io_dir d = MWI_IO_READ; d <= MWI_IO_WRITE; d++)
      mwi_pd_wake_locked(pd, d, MWI_IOW_CLOSED, &woken);
  }
  unlock_and_run(pd, &woken);
}

void mwi_pd_close_many(unsigned first, unsigned last) {
  for (uint32_t k = first / MWI_PD_CHUNK, n = mwi_load_acquire(&nchunks);
       k < n && k <= last / MWI_PD_CHUNK; k++) {
    if (!mwi_load_acquire(&mwi_pd_chunks[k])) continue;
    for (unsigned fd = k * MWI_PD_CHUNK; fd < (k + 1) * MWI_PD_CHUNK; fd++) {
      uint32_t seq = 0;
      if (fd < first || fd > last || mwi_netpoll_os_owns((int)fd)) continue;
      struct mwi_pd *pd = mwi_pd_close_begin((int)fd, &seq);
      mwi_sys1(SYS_close, fd);
      mwi_pd_close_end(pd, seq);
    }
  }
}

void mwi_pd_forked(void) {
  if (!mwi_load_relaxed(&owner_pid)) return; /* no records, and no page to be copied for them */
  mwi_store_relaxed(&owner_pid, (int)mwi_sys0(SYS_getpid));
  for (uint32_t k = 0, n = mwi_load_acquire(&nchunks); k < n; k++) {
    struct mwi_pd *c = mwi_load_acquire(&mwi_pd_chunks[k]);
    for (int i = 0; c && i < MWI_PD_CHUNK; i++) {
      c[i].lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_NETPOLL);
      mwi_store_relaxed(&c[i].registered, false);
      mwi_store_relaxed(&c[i].closing, false);
      mwi_store_relaxed(&c[i].home, MWI_POLL_ALL);
      for (int d = 0; d < 2; d++) {
        mwi_store_relaxed(&c[i].queue[d], NULL);
        mwi_store_seqcst(&c[i].ready[d], 1);
      }
    }
  }
}
