/* SPDX-License-Identifier: MIT */
/*
 * sched/iomany.c -- waiting for several descriptors at once
 *
 * Job      poll, select and epoll_wait of a goroutine: a node at each descriptor, one wait.
 * Promise  What happens to one of them after mwi_many_arm ends the next park: look, then park,
 *          loses nothing [NP2].
 * How      begin, add ..., then as often as it takes: arm, look (the call itself, with a timeout
 *          of zero), park; end.  Such nodes stay in their queues when they wake [NP3].
 * Next     libc_poll.c
 */
#include <errno.h>

#include "sched/iowait.h"
#include "sched/netpoll.h"

enum { NODES_CHUNK = 64 };
static struct mwi_lock pool_lock = MWI_LOCK_INIT(MWI_RANK_LEAF);
static struct mwi_ionode *pool; /* under pool_lock; by next.  Never given back: [WT1] of waiter.h */

/* While a node is in use it is in a queue by next and prev, and its goroutine's
 * list of nodes is by this. */
struct many_node {
  struct mwi_ionode n; /* first */
  struct many_node *own_next;
};

static struct many_node *node_take(void) {
  for (;;) {
    mwi_lock(&pool_lock);
    struct mwi_ionode *n = pool;
    if (n) pool = n->next;
    mwi_unlock(&pool_lock);
    if (n) return (struct many_node *)n;
    mwi_rt_enter();
    struct many_node *c = mwi_meta_alloc(NODES_CHUNK * sizeof *c, 64);
    mwi_lock(&pool_lock);
    for (int i = 0; i < NODES_CHUNK; i++) {
      c[i].n.next = pool;
      pool = &c[i].n;
    }
    mwi_unlock(&pool_lock);
    mwi_rt_leave();
  }
}

static void node_put(struct many_node *n) {
  mwi_lock(&pool_lock);
  n->n.next = pool;
  pool = &n->n;
  mwi_unlock(&pool_lock);
}

void mwi_many_begin(struct mwi_many *m, int64_t deadline) {
  mwi_attach();
  m->io = mwi_iowait_of(mwi_getg());
  m->nodes = NULL;
  m->deadline = deadline;
}

void mwi_many_arm(struct mwi_many *m) {
  mwi_store_seqcst(&m->io->state, MWI_IOW_PENDING);
}

int mwi_many_add(struct mwi_many *m, int fd, unsigned dirs) {
  int e = mwi_netpoll_need();
  struct mwi_pd *pd = mwi_pd_get(fd);
  if (e || !pd) return e ? e : -EBADF;
  int kind = mwi_pd_kind(pd, fd);
  if (kind < 0) return kind;
  if (kind == MWI_FD_FILE) return -EPERM;
  for (enum mwi_io_dir d = MWI_IO_READ; d <= MWI_IO_WRITE; d++) {
    if (!(dirs & (1u << d))) continue;
    struct many_node *n = node_take();
    n->n.wait = m->io;
    n->n.many = true;
    mwi_lock(&pd->lock);
    while (mwi_load_relaxed(&pd->closing)) { /* the kernel's close is a moment away */
      mwi_unlock(&pd->lock);
      mwi_yield();
      mwi_lock(&pd->lock);
    }
    e = mwi_pd_register_locked(pd, fd, mwi_load_relaxed(&pd->seq));
    if (e == 0) mwi_ionode_enqueue_locked(&n->n, pd, d);
    mwi_unlock(&pd->lock);
    if (e) {
      node_put(n);
      return e;
    }
    n->own_next = (struct many_node *)m->nodes;
    m->nodes = &n->n;
  }
  return 0;
}

enum mwi_many_why mwi_many_park(struct mwi_many *m) {
  if (mwi_deadline_passed(m->deadline)) return MWI_MANY_DEADLINE;
  uint32_t why = mwi_iowait_park(m->io, m->deadline);
  if (why == MWI_IOW_CLOSED) return MWI_MANY_CLOSED;
  return why == MWI_IOW_TIMEOUT && mwi_deadline_passed(m->deadline) ? MWI_MANY_DEADLINE
                                                                    : MWI_MANY_LOOK;
}

void mwi_many_end(struct mwi_many *m) {
  for (struct many_node *n = (struct many_node *)m->nodes, *next; n; n = next) {
    next = n->own_next;
    mwi_ionode_leave(&n->n);
    node_put(n);
  }
  m->nodes = NULL;
  mwi_store_seqcst(&m->io->state, MWI_IOW_IDLE);
}

void mwi_many_forked(void) {
  if (mwi_load_relaxed(&pool_lock.state)) pool_lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_LEAF);
}
