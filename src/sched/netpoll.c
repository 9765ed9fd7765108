/* SPDX-License-Identifier: MIT */
/*
 * sched/netpoll.c -- records of descriptors, waits, deadlines, close
 *
 * Job      The part of sched/netpoll.h that knows no operating system's poller.
 * Promise  [NP1]-[NP8] there.
 * How      An attempt in direction d takes the readiness (ready[d] = 0) before its
 *          system call and passes it on (ready[d] = 1, wake one more) unless the
 *          call found nothing left.  A goroutine that finds 0 queues itself, looks
 *          once more and parks; the record's lock is dropped off its stack.  A
 *          deadline is a timer of the goroutine's own; whoever changes the
 *          wait's state first wakes it.
 * Threads  A record's lock guards its queues and its life; edges and closes take
 *          it, attempts do not.  Locks: NETPOLL, then TIMER, then SCHED.
 * Rejected a lock-free slot for one reader and one writer, as Go has: it
 *          serialises readers of one descriptor above this; in C several
 *          goroutines accept on one socket.
 * Next     netpoll_epoll.c, libc_io.c
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "os/os.h"
#include "os/syscall.h"
#include "sched/libc.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif

_Atomic bool mwi_netpoll_is_open;
_Atomic bool mwi_netpoll_due;
_Atomic bool mwi_netpoll_blocking;

/*
 * Who waits, as the difference of two counts that only grow, in pieces: every park and
 * every end of one changes a count, and one that all processors share would be on its
 * way between their caches all the time.  seq_cst.
 */
enum { TALLIES = 16 };
static struct tally {
  _Atomic uint64_t parks, ends;
} MWI_ALIGNED(64) tallies[TALLIES];

static struct tally *tally(void) {
  struct mwi_p *p = mwi_tcb()->p; /* any will do, and so may be another's by now */
  return &tallies[p ? p->id % TALLIES : 0];
}

/* All ends first: what is counted meanwhile can only make somebody wait who does not. */
bool mwi_netpoll_waited(void) {
  uint64_t ends = 0, parks = 0;
  for (int i = 0; i < TALLIES; i++) ends += mwi_load_seqcst(&tallies[i].ends);
  for (int i = 0; i < TALLIES; i++) parks += mwi_load_seqcst(&tallies[i].parks);
  return parks != ends;
}

static struct mwi_lock open_lock = MWI_LOCK_INIT(MWI_RANK_LEAF);

/* ---- Records ----------------------------------------------------------- */

enum { CHUNK = 256, NCHUNKS = 1 << 16 }; /* 16 million descriptors */

/* The process whose numbers these are.  The child of a vfork shares our memory, and
 * what it opens and closes are other descriptors: it must not touch the records. */
static _Atomic int owner_pid;

static bool records_are_ours(void) {
  return (int)mwi_sys0(SYS_getpid) == mwi_load_relaxed(&owner_pid);
}

/* Release on publication pairs with the acquires here. */
static _Atomic(struct mwi_pd *) chunks[NCHUNKS];
static _Atomic uint32_t nchunks; /* none are past this */

/* Waits between two looks at a descriptor's home; before the first look. */
#if MW_STRESS
enum { TURNS = 1, FIRST_TURNS = 1 };
#elif MW_CHECK
enum { TURNS = 2, FIRST_TURNS = 1 };
#else
enum { TURNS = 16, FIRST_TURNS = 3 }; /* a look costs a system call, a move two more */
#endif

static void life_begins(struct mwi_pd *pd, enum mwi_fd_kind kind, bool foreign) {
  mwi_store_relaxed(&pd->registered, false);
  mwi_store_relaxed(&pd->kind, (uint8_t)kind);
  mwi_store_relaxed(&pd->opts_known, false);
  mwi_store_relaxed(&pd->lowat, false);
  mwi_store_relaxed(&pd->shared, false);
  mwi_store_relaxed(&pd->sticky, false);
  mwi_store_relaxed(&pd->blocks, false);
  mwi_store_relaxed(&pd->foreign, foreign || !mwi_closes_are_seen);
  mwi_store_relaxed(&pd->nowait_no, 0);
  mwi_store_relaxed(&pd->home, MWI_POLL_ALL);
  mwi_store_relaxed(&pd->turns, TURNS - FIRST_TURNS);
  for (int d = 0; d < 2; d++) {
    mwi_store_relaxed(&pd->timeout[d], 0);
    mwi_store_seqcst(&pd->ready[d], 1);
  }
}

static struct mwi_pd *make_chunk(uint32_t k) {
  struct mwi_pd *c = mwi_meta_alloc(CHUNK * sizeof *c, 64);
  for (int i = 0; i < CHUNK; i++) {
    c[i].lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_NETPOLL);
    life_begins(&c[i], MWI_FD_UNKNOWN, true);
  }
  struct mwi_pd *none = NULL;
  if (!mwi_load_relaxed(&owner_pid)) mwi_store_relaxed(&owner_pid, (int)mwi_sys0(SYS_getpid));
  if (!mwi_cas_acqrel(&chunks[k], &none, c)) return none; /* the other is lost: 16 KB, once */
  uint32_t n = mwi_load_relaxed(&nchunks);
  while (n <= k && !mwi_cas_acqrel(&nchunks, &n, k + 1)) {
  }
  return c;
}

struct mwi_pd *mwi_pd_get(int fd, bool make) {
  if (fd < 0 || fd >= CHUNK * NCHUNKS) return NULL;
  uint32_t k = (uint32_t)fd / CHUNK;
  struct mwi_pd *c = mwi_load_acquire(&chunks[k]);
  if (MWI_UNLIKELY(!c)) {
    if (!make) return NULL;
    mwi_rt_enter(); /* mwi_meta_alloc takes a lock */
    c = make_chunk(k);
    mwi_rt_leave();
  }
  return &c[fd % CHUNK];
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
  mwi_store_relaxed(&pd->opts_known, false);
  mwi_unlock(&pd->lock);
}

void mwi_pd_options_changed(int fd) {
  struct mwi_pd *pd = mwi_pd_get(fd, false);
  if (pd) mwi_store_release(&pd->opts_known, false); /* pairs with mwi_pd_options */
}

void mwi_pd_low_water(int fd) {
  struct mwi_pd *pd = mwi_pd_get(fd, false);
  if (pd) mwi_store_relaxed(&pd->lowat, true);
}

/* Who waits already goes on to wait, as in the kernel: no entry is for it any more [NP8]. */
void mwi_pd_flags_changed(int fd) {
  struct mwi_pd *pd = mwi_pd_get(fd, false);
  if (!pd) return;
  mwi_store_relaxed(&pd->blocks, false);
  mwi_add_relaxed(&pd->parks, 1);
}

void mwi_pd_shared(int fd) {
  struct mwi_pd *pd = mwi_pd_get(fd, mwi_load_acquire(&nchunks) != 0);
  if (pd) mwi_store_relaxed(&pd->shared, true);
}

void mwi_pd_options(struct mwi_pd *pd, int fd) {
  int kind = mwi_load_relaxed(&pd->kind);
  if (kind != MWI_FD_TCP && kind != MWI_FD_STREAM && kind != MWI_FD_DGRAM) return;
  if (mwi_load_acquire(&pd->opts_known) && !mwi_load_relaxed(&pd->shared)) return;
  /* Known first: a change that comes meanwhile makes it unknown again. */
  mwi_store_seqcst(&pd->opts_known, true);
  const int option[2] = {[MWI_IO_READ] = SO_RCVTIMEO, [MWI_IO_WRITE] = SO_SNDTIMEO};
  for (int d = 0; d < 2; d++) {
    struct timeval t = {0};
    if (socket_option(fd, SOL_SOCKET, option[d], &t, sizeof t) < 0) continue;
    mwi_store_relaxed(&pd->timeout[d], (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000);
  }
  int low = 1;
  if (socket_option(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low) == 0)
    mwi_store_relaxed(&pd->lowat, low > 1);
  /* An upper layer (TLS) gives one record at a time: a short read has not emptied it. */
  char ulp[16] = "";
  if (kind == MWI_FD_TCP && socket_option(fd, IPPROTO_TCP, TCP_ULP, ulp, sizeof ulp) == 0 && ulp[0])
    mwi_store_relaxed(&pd->sticky, true);
}

/* ---- Queues; lock held ------------------------------------------------- */

static void enqueue_locked(struct mwi_ionode *n, struct mwi_pd *pd, enum mwi_io_dir dir) {
  struct mwi_ionode *head = mwi_load_relaxed(&pd->queue[dir]);
  n->pd = pd;
  n->dir = (uint8_t)dir;
  mwi_store_relaxed(&n->queued, true);
  if (!head) {
    n->next = n->prev = n;
    mwi_store_seqcst(&pd->queue[dir], n); /* [NP2] */
    return;
  }
  n->next = head;
  n->prev = head->prev;
  head->prev->next = n;
  head->prev = n;
}

static void unlink_locked(struct mwi_ionode *n) {
  struct mwi_pd *pd = n->pd;
  struct mwi_ionode *head = mwi_load_relaxed(&pd->queue[n->dir]);
  /* relaxed: who finds it there yet, without the lock, takes that and looks again */
  if (n->next == n) {
    mwi_store_relaxed(&pd->queue[n->dir], NULL);
  } else {
    n->prev->next = n->next;
    n->next->prev = n->prev;
    if (head == n) mwi_store_relaxed(&pd->queue[n->dir], n->next);
  }
  mwi_store_release(&n->queued, false); /* pairs with leave_queue */
}

/* The goroutine, awake again: out of the queue if nobody took it out. */
static void leave_queue(struct mwi_ionode *n) {
  if (!mwi_load_acquire(&n->queued)) return;
  struct mwi_pd *pd = n->pd;
  mwi_lock(&pd->lock);
  if (mwi_load_relaxed(&n->queued)) unlink_locked(n);
  mwi_unlock(&pd->lock);
}

/* The first to come wakes it.  Returns whether that was us; adds the goroutine
 * to `ready` if it was parked already. */
static bool wake(struct mwi_iowait *io, uint32_t why, struct mwi_glist *ready) {
  uint32_t s = mwi_load_relaxed(&io->state);
  for (;;) {
    if (s != MWI_IOW_PENDING && s != MWI_IOW_PARKED) return false;
    if (mwi_cas_seqcst(&io->state, &s, why)) break;
  }
  if (s == MWI_IOW_PENDING) return true; /* its commit will see */
  struct mwi_g *g = io->g;
  mwi_g_transition(g, MWI_G_WAITING, MWI_G_RUNNABLE);
  g->next = NULL;
  if (ready->tail)
    ready->tail->next = g;
  else
    ready->head = g;
  ready->tail = g;
  ready->n++;
  return true;
}

/* [NP3].  At the beginning of a close, those that only want to know are left for
 * its end: the kernel would tell them nothing yet. */
static void wake_queue_locked(struct mwi_pd *pd, enum mwi_io_dir dir, uint32_t why,
                              struct mwi_glist *ready) {
  struct mwi_ionode *n = mwi_load_relaxed(&pd->queue[dir]);
  if (!n) return;
  bool one = false; /* a goroutine that will try itself */
  bool begin = why == MWI_IOW_CLOSED && mwi_load_relaxed(&pd->closing);
  struct mwi_ionode *last = n->prev;
  for (;;) {
    struct mwi_ionode *next = n->next;
    bool end = n == last;
    if (n->many) {
      if (!begin) wake(n->wait, why, ready);
    } else if (!one || why == MWI_IOW_CLOSED) {
      unlink_locked(n);
      one |= wake(n->wait, why, ready);
    }
    if (end) return;
    n = next;
  }
}

/* Woken by a goroutine that goes on running. */
static void inject_beside(struct mwi_glist *l) {
  if (!l->n) return;
  mwi_glist_run(l);
  mwi_wake_p();
}

void mwi_io_pass_on(struct mwi_pd *pd, enum mwi_io_dir dir) {
  mwi_store_seqcst(&pd->ready[dir], 1);
  if (MWI_LIKELY(!mwi_load_seqcst(&pd->queue[dir]))) return; /* [NP2] */
  struct mwi_glist ready = {0};
  mwi_rt_enter();
  mwi_lock(&pd->lock);
  wake_queue_locked(pd, dir, MWI_IOW_READY, &ready);
  mwi_unlock(&pd->lock);
  inject_beside(&ready);
  mwi_rt_leave();
}

/* ---- Not asked [NP8] --------------------------------------------------- */

/*
 * O_NONBLOCK belongs to everybody who has the open file, so whether a descriptor blocks is
 * asked before a goroutine parks; by a system call, for each message, though the answer is
 * ever the same.  A TCP socket that blocked when it was asked last is not asked then,
 * but noted, with the count of its parks, in a ring of the processor's.  Who looks for edges, and
 * the thread that goes idle, ask for those that are old enough and wait there still, which with
 * clients that hurry are none; sysmon does where nobody has for another while.  A
 * goroutine that finds others in the queue asks: so an entry whose count has passed is nobody's.
 */
#if MW_STRESS
enum { UNASKED = 4, LATE = 0 };
#elif MW_CHECK
enum { UNASKED = 64, LATE = 2 };
#else
enum { UNASKED = 2048, LATE = 20 }; /* a few thousand messages, two slices */
#endif
enum { AGE_SHIFT = 20 }; /* ages are in units of some milliseconds */

struct mwi_unasked {
  _Atomic uint32_t tail;    /* the processor's owner; release */
  _Atomic uint32_t now;     /* when somebody looked last; relaxed: older than it is, at worst */
  struct mwi_unasked *next; /* constant: all of them */
  _Atomic uint32_t busy MWI_ALIGNED(64); /* 1: somebody takes entries out */
  _Atomic uint32_t head;                 /* who has busy; release */
  struct {
    int32_t fd;
    uint32_t parks, at;
  } entry[UNASKED];
};
static _Atomic(struct mwi_unasked *) all_unasked;

void mwi_pd_blocks(struct mwi_pd *pd) {
  mwi_rt_enter(); /* keeps p */
  struct mwi_p *p = mwi_tcb()->p;
  if (p && MWI_UNLIKELY(!p->unasked)) {
    struct mwi_unasked *u = mwi_meta_alloc(sizeof *u, 64), *first = mwi_load_relaxed(&all_unasked);
    do u->next = first;
    while (!mwi_cas_acqrel(&all_unasked, &first, u)); /* pairs with mwi_netpoll_unasked */
    p->unasked = u;
  }
  mwi_rt_leave();
  mwi_store_relaxed(&pd->blocks, true);
}

/* pd's lock held; before its goroutine enters the queue.  False: it has to ask. */
static bool note_unasked_locked(struct mwi_pd *pd, int fd) {
  struct mwi_p *p = mwi_tcb()->p;
  struct mwi_unasked *u = p ? p->unasked : NULL;
  if (!u || mwi_load_relaxed(&pd->queue[MWI_IO_READ])) return false;
  uint32_t t = mwi_load_relaxed(&u->tail);
  if (t - mwi_load_acquire(&u->head) >= UNASKED) return false; /* pairs with ask_old */
  uint32_t parks = mwi_load_relaxed(&pd->parks) + 1;
  mwi_store_relaxed(&pd->parks, parks); /* a change of the flag at this very moment is before it */
  u->entry[t % UNASKED].fd = fd;
  u->entry[t % UNASKED].parks = parks;
  u->entry[t % UNASKED].at = mwi_load_relaxed(&u->now);
  mwi_store_release(&u->tail, t + 1); /* pairs with ask_old */
  return true;
}

/* It does not block, or is none: who waits there looks again, and asks.  Scanners may work beside
 * the caller. */
static MWI_COLD void wake_all(struct mwi_pd *pd) {
  struct mwi_glist woken = {0};
  mwi_rt_enter();
  mwi_lock(&pd->lock);
  mwi_store_relaxed(&pd->blocks, false);
  struct mwi_ionode *n = mwi_load_relaxed(&pd->queue[MWI_IO_READ]), *last = n ? n->prev : NULL;
  while (n) {
    struct mwi_ionode *next = n == last ? NULL : n->next;
    struct mwi_iowait *io = n->wait;
    uint32_t s = mwi_load_relaxed(&io->state);
    bool ours = false;
    if (!n->many) {
      unlink_locked(n);
      while ((s == MWI_IOW_PENDING || s == MWI_IOW_PARKED) && !ours)
        ours = mwi_cas_seqcst(&io->state, &s, MWI_IOW_READY);
    }
    if (ours && s == MWI_IOW_PARKED) { /* else its commit will see */
      mwi_g_transition_slow(io->g, MWI_G_WAITING, MWI_G_RUNNABLE);
      io->g->next = woken.head;
      woken.head = io->g;
    }
    n = next;
  }
  mwi_unlock(&pd->lock);
  mwi_lock(&mwi_sched.lock);
  bool any = woken.head;
  for (struct mwi_g *g = woken.head, *next; g; g = next) {
    next = g->next;
    mwi_globq_put_locked(g);
  }
  mwi_unlock(&mwi_sched.lock);
  if (any) mwi_wake_p();
  mwi_rt_leave();
}

static void ask_old(struct mwi_unasked *u, uint32_t now, int32_t age) {
  enum { AHEAD = 8 };
  uint32_t h = mwi_load_relaxed(&u->head), t = mwi_load_acquire(&u->tail);
  uint32_t none = 0;
  if (h == t || !mwi_cas_acqrel(&u->busy, &none, 1)) return;
  h = mwi_load_relaxed(&u->head); /* after the acquire of whoever was at it before */
  t = mwi_load_acquire(&u->tail);
  for (; h != t && (int32_t)(now - u->entry[h % UNASKED].at) >= age; h++) {
    if (t - h > AHEAD) __builtin_prefetch(mwi_pd_get(u->entry[(h + AHEAD) % UNASKED].fd, false));
    int fd = u->entry[h % UNASKED].fd;
    struct mwi_pd *pd = mwi_pd_get(fd, false);
    if (!pd || mwi_load_relaxed(&pd->parks) != u->entry[h % UNASKED].parks ||
        !mwi_load_seqcst(&pd->queue[MWI_IO_READ]))
      continue;
    if (mwi_fd_nonblocking(fd) != 0) wake_all(pd);
  }
  mwi_store_release(&u->head, h); /* pairs with note_unasked_locked */
  mwi_store_release(&u->busy, 0);
}

static uint32_t age_of(int64_t ns) {
  return (uint32_t)(ns >> AGE_SHIFT);
}

/* The owner's look, on the way to look for edges. */
static void ask_mine(int64_t now) {
  struct mwi_p *p = mwi_tcb()->p;
  struct mwi_unasked *u = p ? p->unasked : NULL;
  if (!u) return;
  mwi_store_relaxed(&u->now, age_of(now));
  ask_old(u, age_of(now), LATE);
}

bool mwi_netpoll_unasked(int64_t now, bool all) {
  bool none = true;
  for (struct mwi_unasked *u = mwi_load_acquire(&all_unasked); u; u = u->next) {
    mwi_store_relaxed(&u->now, age_of(now));
    ask_old(u, age_of(now), all ? INT32_MIN : 2 * LATE);
    none &= mwi_load_relaxed(&u->head) == mwi_load_relaxed(&u->tail);
  }
  return none;
}

/* ---- Edges ------------------------------------------------------------- */

/*
 * Homes.  What a connection costs depends on where it is touched: its packets come in
 * on one CPU (that of the network's interrupt, or of the peer's thread), and answered
 * there they find the kernel's records of it in that CPU's cache, and wake nobody on
 * another.  So descriptors that are waited for often move to the set of that CPU, and a
 * thread asks the set of the CPU that it happens to be on first, whatever thread or
 * processor it is.  Nothing is pinned.
 *
 * Sets of other CPUs are left to the threads there, but not for long [NP7]: a thread
 * asks those that nobody attends to, or has asked for OTHERS_NS, and has what it finds
 * there looked at again.  A descriptor moves only to a CPU where a thread of ours has
 * passed lately; everybody's set is for the others, and for all that has no CPU.
 */
#define ALL_NS 50000 /* everybody's set is asked again after this */
#if MW_CHECK
#define PASSED_NS (INT64_MAX / 2) /* "lately" is always: what tests see does not depend on load */
#else
#define PASSED_NS 10000000 /* "lately" */
#endif
#define AT_HOME_NS 3000000 /* a batch takes its time */
/* Longer than a slice of the kernel's: others on that CPU, clients for one, may keep its
 * thread off it. */
#define OTHERS_NS 5000000
#define GO_NS 20000000                       /* between two moves of threads */
enum { FROM_HOME = MWI_POLL_BATCH * 3 / 4 }; /* leaves room for what is elsewhere */
enum { MUCH = MWI_POLL_BATCH / 8 };          /* edges that make a CPU worth going to */

/* relaxed: guesses, and lost updates harm nobody */
static struct set {
  _Atomic int64_t asked;      /* when its edges were asked for */
  _Atomic int64_t passed;     /* ... by a thread on its CPU */
  _Atomic int64_t found;      /* ... who found some */
  _Atomic(struct mwi_m *) by; /* ... by whom */
  _Atomic unsigned cpu;       /* one that it is of */
} MWI_ALIGNED(64) sets[MWI_POLL_SETS];
static _Atomic bool homes;        /* some CPU's set may be there; seq_cst */
static _Atomic int64_t last_poll; /* by a busy thread, of any set; relaxed: a guess */

int64_t mwi_netpoll_last(void) {
  return mwi_load_relaxed(&last_poll);
}

static unsigned home_of_cpu(unsigned cpu) {
  return 1 + cpu % MWI_POLL_CPUS;
}

/* The calling thread's. */
static unsigned home_here(void) {
  return home_of_cpu(mwi_os_cpu());
}

static void ask(struct mwi_poll_events *ev, unsigned k, int room, int64_t now) {
  if (room > MWI_POLL_BATCH - ev->n) room = MWI_POLL_BATCH - ev->n;
  if (room <= 0) return;
  mwi_store_relaxed(&sets[k].asked, now);
  mwi_netpoll_os_ask(ev, k, room);
}

/* Does the thread that asked last have a processor, and is it there still?  If it has left
 * without a word (a system call that blocks it), OTHERS_NS is all that this costs. */
static bool attended(unsigned k) {
  struct mwi_m *m = mwi_load_acquire(&sets[k].by); /* its record was made before */
  return m && mwi_load_relaxed(&m->home) == k;
}

/* Returns whether another thread of ours is on this CPU. */
static bool attend(unsigned here) {
  struct mwi_m *m = mwi_self(), *by = mwi_load_relaxed(&sets[here].by);
  if (mwi_load_relaxed(&m->home) != here) mwi_store_relaxed(&m->home, (uint8_t)here);
  if (by == m) return false;
  mwi_store_release(&sets[here].by, m);
  return by && mwi_load_relaxed(&by->home) == here;
}

/* Two threads on one CPU, and none on one that gives much to do.  The kernel, which balances
 * load and knows nothing of this, can leave it so for ever. */
static void go_to(unsigned k, int64_t now) {
  static _Atomic int64_t last; /* by whichever thread */
  int64_t before = mwi_load_relaxed(&last);
  if (now - before < GO_NS || !mwi_cas_acqrel(&last, &before, now)) return;
  mwi_os_go_to_cpu(mwi_load_relaxed(&sets[k].cpu));
}

void mwi_netpoll_idle(struct mwi_p *p) {
  mwi_store_relaxed(&mwi_self()->home, MWI_POLL_ALL);
  if (p && p->unasked) ask_old(p->unasked, 0, INT32_MIN);
}

/* Returns the time. */
static int64_t collect(struct mwi_poll_events *ev, int64_t others_ns) {
  int64_t now = mwi_os_monotonic();
  unsigned here = home_here();
  bool doubled = attend(here);
  unsigned lonely = 0;
  mwi_store_relaxed(&sets[here].passed, now);
  if (!mwi_load_seqcst(&homes)) {
    ask(ev, MWI_POLL_ALL, MWI_POLL_BATCH, now);
    return now;
  }
  if (mwi_netpoll_os_has(here)) {
    ask(ev, here, FROM_HOME, now);
    if (ev->n) mwi_store_relaxed(&sets[here].found, now);
  }
  if (now - mwi_load_relaxed(&sets[MWI_POLL_ALL].asked) > ALL_NS)
    ask(ev, MWI_POLL_ALL, MWI_POLL_BATCH, now);
  /* Not always from the same one: the batch may be full. */
  unsigned start = here + (unsigned)(now >> 10) % MWI_POLL_CPUS;
  for (unsigned i = 0; i < MWI_POLL_CPUS; i++) {
    unsigned k = home_of_cpu(start + i);
    if (k == here || !mwi_netpoll_os_has(k) ||
        (now - mwi_load_relaxed(&sets[k].asked) <= others_ns && attended(k)))
      continue;
    int n = ev->n;
    bool alone = !attended(k);
    ask(ev, k, MWI_POLL_BATCH, now);
    if (alone && ev->n - n >= MUCH) lonely = k;
    for (; n < ev->n; n++) { /* is it right there? */
      struct mwi_pd *pd = mwi_pd_get(ev->at[n].fd, false);
      if (pd) mwi_store_relaxed(&pd->turns, TURNS - 1);
    }
  }
  if (doubled && lonely) go_to(lonely, now);
  return now;
}

bool mwi_netpoll_at_home(void) {
  if (!mwi_load_seqcst(&homes)) return false;
  return mwi_os_monotonic() - mwi_load_relaxed(&sets[home_here()].found) < AT_HOME_NS;
}

void mwi_netpoll_keep(struct mwi_poll_events *ev, int64_t ns, bool nap) {
  if (nap) {
    unsigned here = home_here();
    bool taken = attended(here); /* by another thread: this one is idle */
    if (!taken) attend(here);
    mwi_netpoll_os_wait(taken ? 0 : 1u << here, ns);
    collect(ev, OTHERS_NS);
    return;
  }
  if (!mwi_load_seqcst(&homes)) {
    mwi_netpoll_os_wait_one(ev, ns);
    return;
  }
  mwi_netpoll_os_wait(~(uint64_t)0, ns);
  collect(ev, -1);
}

/* pd's lock held; its goroutine is about to park.  A TCP socket that compiled code made, and
 * that has no duplicate: an edge that the old set told of meanwhile is one too many, and no
 * more.  In the new set its level is told first [NP1]. */
static MWI_NOINLINE void look_at_home_locked(struct mwi_pd *pd, int fd, uint32_t seq) {
  int cpu = -1;
  mwi_store_relaxed(&pd->turns, 0);
  if (mwi_sched.nprocs == 1 && !mwi_load_seqcst(&homes)) return;
  if (socket_option(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, sizeof cpu) < 0 || cpu < 0) return;
  unsigned from = mwi_load_relaxed(&pd->home), to = home_of_cpu((unsigned)cpu);
  if (to == from) return;
  if (mwi_os_monotonic() - mwi_load_relaxed(&sets[to].passed) > PASSED_NS) to = MWI_POLL_ALL;
  if (to == from) return;
  if (mwi_load_relaxed(&sets[to].cpu) != (unsigned)cpu)
    mwi_store_relaxed(&sets[to].cpu, (unsigned)cpu);
  if (!mwi_netpoll_os_has(to)) {
    mwi_lock(&open_lock);
    mwi_store_seqcst(&homes, true); /* before os_make has the keeper begin again */
    bool made = mwi_netpoll_os_has(to) || mwi_netpoll_os_make(to);
    mwi_unlock(&open_lock);
    if (!made) return;
  }
  if (mwi_netpoll_os_add(to, fd, seq) != 0) return;
  mwi_store_relaxed(&pd->home, (uint8_t)to);
  mwi_netpoll_os_remove(from, fd);
}

/*
 * What events further on will touch is to be on its way: records, then who is first in
 * their queues, then its goroutine.  Guesses, read in a race: of these nothing is ever
 * freed, and `wait` is NULL or a wait.
 */
MWI_INLINE void expect(const struct mwi_poll_events *ev, int i) {
  if (__has_feature(thread_sanitizer)) return;
  enum { FAR = 9, NEAR = 6, NEXT = 3 };
  if (i + FAR < ev->n) __builtin_prefetch(mwi_pd_get(ev->at[i + FAR].fd, false), 1);
  if (i + NEAR < ev->n) {
    struct mwi_pd *pd = mwi_pd_get(ev->at[i + NEAR].fd, false);
    const char *n = pd ? (char *)mwi_load_relaxed(&pd->queue[MWI_IO_READ]) : NULL;
    if (n) {
      __builtin_prefetch(n, 1);
      __builtin_prefetch(n - MWI_CACHE_LINE, 1); /* the wait around it */
    }
  }
  if (i + NEXT < ev->n) {
    struct mwi_pd *pd = mwi_pd_get(ev->at[i + NEXT].fd, false);
    struct mwi_ionode *n = pd ? mwi_load_relaxed(&pd->queue[MWI_IO_READ]) : NULL;
    struct mwi_iowait *io = n ? *(struct mwi_iowait *volatile *)&n->wait : NULL;
    if (io) __builtin_prefetch((char *)io->g + MWI_CACHE_LINE, 1);
  }
}

void mwi_netpoll_deliver(const struct mwi_poll_events *ev, struct mwi_glist *ready) {
  for (int i = 0; i < ev->n; i++) {
    expect(ev, i);
    struct mwi_pd *pd = mwi_pd_get(ev->at[i].fd, false);
    uint32_t what = ev->at[i].what;
    if (!pd) continue;
    mwi_lock(&pd->lock);
    if (mwi_load_relaxed(&pd->seq) == ev->at[i].seq) { /* [NP4] */
      if (what & MWI_EV_STICKY) mwi_store_relaxed(&pd->sticky, true);
      for (enum mwi_io_dir d = MWI_IO_READ; d <= MWI_IO_WRITE; d++) {
        if (!(what & (1u << d))) continue;
        /* relaxed: [NP2] by the lock, which waiters have, too */
        mwi_store_relaxed(&pd->ready[d], 1);
        wake_queue_locked(pd, d, MWI_IOW_READY, ready);
      }
    }
    mwi_unlock(&pd->lock);
  }
}
_Static_assert(MWI_EV_READ == 1 << MWI_IO_READ && MWI_EV_WRITE == 1 << MWI_IO_WRITE, "bits");

void mwi_netpoll_now(struct mwi_glist *ready) {
  struct mwi_poll_events ev;
  ev.n = 0;
  if (!mwi_netpoll_open()) return; /* it could not be opened, or all only sleep */
  mwi_store_relaxed(&mwi_netpoll_due, false);
  if (!mwi_self()->kept_watch) mwi_store_relaxed(&last_poll, mwi_os_monotonic());
  ask_mine(collect(&ev, OTHERS_NS));
  mwi_netpoll_deliver(&ev, ready);
}

/* ---- Waiting ----------------------------------------------------------- */

/* 0 or -errno.  An idle thread that waits on the futex is woken to wait here. */
static int need_open(void) {
  if (MWI_LIKELY(mwi_netpoll_open())) return 0;
  mwi_lock(&open_lock);
  int e = mwi_netpoll_open() ? 0 : mwi_netpoll_os_open();
  if (e == 0 && !mwi_netpoll_open()) {
    mwi_store_seqcst(&mwi_netpoll_is_open, true);
    atomic_fetch_add(&mwi_sched.keeper_futex, 1);
    mwi_futex_wake(&mwi_sched.keeper_futex, 1);
  }
  mwi_unlock(&open_lock);
  return e;
}

static void time_out(struct mwi_timer *t, int64_t now) {
  int64_t want = mwi_load_acquire(&t->want);
  if (want == 0 || want > now || !mwi_cas_acqrel(&t->want, &want, 0)) return;
  /* The wait that armed it may be over, and this one another: it looks at the
   * clock and waits again. */
  struct mwi_glist ready = {0};
  wake(MWI_CONTAINER(t, struct mwi_iowait, timer), MWI_IOW_TIMEOUT, &ready);
  mwi_glist_run(&ready);
}

static struct mwi_iowait *wait_of(struct mwi_g *g) {
  struct mwi_iowait *io = mwi_load_relaxed(&g->io);
  if (MWI_LIKELY(io != NULL)) return io;
  mwi_rt_enter();
  io = mwi_meta_alloc(sizeof *io, 64);
  io->g = g;
  io->timer.fire = time_out;
  io->node.wait = io;
  mwi_store_release(&g->io, io); /* pairs with cut.c */
  mwi_rt_leave();
  return io;
}

/* Off the goroutine's stack.  Once parked it may run at once, so `lock` is read before. */
static bool commit(struct mwi_g *g, void *arg) {
  struct mwi_lock *lock = arg;
  struct mwi_iowait *io = mwi_load_relaxed(&g->io);
  uint32_t pending = MWI_IOW_PENDING;
  if (io->deadline) mwi_timer_arm(&io->timer, io->deadline);
  bool parked = mwi_cas_seqcst(&io->state, &pending, MWI_IOW_PARKED);
  if (lock) mwi_unlock(lock);
  return parked;
}

/*
 * Where the frame is of whoever called for this park, if it is out of reach of what the ring
 * prefetches from sp on: a function with buffers on its stack keeps the rest of what it works
 * with on another page.  Frames of compiled code and of ours are chained; what looks like no
 * frame further up in this stack ends the search.
 */
static MWI_NOINLINE void note_outer(struct mwi_g *g) {
  enum { DEPTH = 10 };                 /* more frames than any call of libc's takes here */
  enum { BELOW = 2 * MWI_CACHE_LINE }; /* sp will be that much lower, at most */
  uintptr_t fp = (uintptr_t)__builtin_frame_address(0), reach = fp + MWI_NEAR_BYTES - BELOW;
  g->outer = 0;
  for (int i = 0; i < DEPTH; i++) {
    uintptr_t up = *(const uintptr_t *)fp;
    if (up <= fp || up >= g->stack.hi || up % sizeof up) return;
    if (up > reach) {
      g->outer = (uint32_t)(g->stack.hi - up);
      return;
    }
    fp = up;
  }
}

/* Park until the state changes; lock: to be dropped then.  The reason. */
static uint32_t park(struct mwi_iowait *io, struct mwi_lock *lock, int64_t deadline) {
  io->deadline = deadline;
  note_outer(io->g);
  atomic_fetch_add(&tally()->parks, 1);
  if (deadline)
    mwi_park(commit, lock, MWI_WAIT_IO); /* arming a timer takes stack */
  else
    mwi_park_light(commit, lock, MWI_WAIT_IO);
  atomic_fetch_add(&tally()->ends, 1);
  if (deadline) mwi_timer_disarm(&io->timer);
  return mwi_load_seqcst(&io->state);
}

void mwi_io_wait_begins(void) {
  mwi_attach();
  struct mwi_iowait *io = wait_of(mwi_getg());
  /* Cut or not, that call is over: what a handler writes there meanwhile goes lost.  relaxed: the
   * state, set next, is seq_cst. */
  uint64_t before = mwi_load_relaxed(&io->wait);
  mwi_store_relaxed(&io->wait, (before / MWI_WAIT_NEXT + 1) * MWI_WAIT_NEXT);
}

/* [NP6], after the state has been set. */
bool mwi_io_is_cut(enum mwi_cut which) {
  return mwi_load_seqcst(&wait_of(mwi_getg())->wait) & which;
}

/* The cut is written; g may be in another call by now, or in none, and then looks for
 * nothing. */
void mwi_io_cut(struct mwi_g *g) {
  struct mwi_iowait *io = mwi_load_acquire(&g->io);
  uint32_t s = io ? mwi_load_seqcst(&io->state) : MWI_IOW_IDLE;
  do {
    if (s != MWI_IOW_PENDING && s != MWI_IOW_PARKED) return;
  } while (!mwi_cas_seqcst(&io->state, &s, MWI_IOW_CUT));
  if (s == MWI_IOW_PENDING) return;                        /* its commit will see */
  mwi_g_transition_slow(g, MWI_G_WAITING, MWI_G_RUNNABLE); /* scanners work beside sysmon */
  mwi_lock(&mwi_sched.lock);
  mwi_globq_put_locked(g);
  mwi_unlock(&mwi_sched.lock);
  mwi_wake_p();
}

int64_t mwi_io_sleep(int64_t ns) {
  mwi_attach();
  struct mwi_iowait *io = wait_of(mwi_getg());
  mwi_io_wait_begins();
  int64_t deadline = mwi_timer_deadline(ns), left;
  for (;;) {
    mwi_store_seqcst(&io->state, MWI_IOW_PENDING);
    left = deadline - mwi_os_monotonic();
    if (left <= 0 || mwi_io_is_cut(MWI_CUT_NEVER)) break;
    io->deadline = deadline;
    mwi_park(commit, NULL, MWI_WAIT_SLEEP);
    mwi_timer_disarm(&io->timer);
  }
  mwi_store_seqcst(&io->state, MWI_IOW_IDLE);
  return left > 0 ? left : 0;
}

static bool passed(int64_t deadline) {
  return deadline && mwi_os_monotonic() >= deadline;
}

static int register_locked(struct mwi_pd *pd, int fd, uint32_t seq) {
  int e = 0;
  unsigned home = mwi_load_relaxed(&pd->home);
  if (!mwi_load_relaxed(&pd->registered))
    e = mwi_netpoll_os_add(home, fd, seq);
  else if (mwi_load_relaxed(&pd->foreign) && (e = mwi_netpoll_os_renew(home, fd, seq)) == -ENOENT)
    e = mwi_netpoll_os_add(home, fd, seq); /* closed and made anew where we do not see it */
  else
    return e;
  if (e == 0) {
    /* ADD has told the level: what an attempt before it missed is an edge now. */
    mwi_store_seqcst(&pd->ready[MWI_IO_READ], 0);
    mwi_store_seqcst(&pd->ready[MWI_IO_WRITE], 0);
    mwi_store_seqcst(&pd->registered, true);
  } else if (e == -EPERM) {
    mwi_store_relaxed(&pd->kind, MWI_FD_FILE);
  }
  return e;
}

int mwi_io_wait(struct mwi_pd *pd, int fd, uint32_t seq, enum mwi_io_dir dir, int64_t deadline,
                bool unasked) {
  mwi_attach();
  if (passed(deadline)) return -EAGAIN;
  int e = need_open();
  if (e) return e;
  struct mwi_iowait *io = wait_of(mwi_getg());
  mwi_lock(&pd->lock);
  if (mwi_load_relaxed(&pd->seq) != seq || mwi_load_relaxed(&pd->closing)) {
    bool over = mwi_load_relaxed(&pd->seq) != seq;
    mwi_unlock(&pd->lock);
    if (over) return -EBADF;
    mwi_yield(); /* the kernel is about to close it, and will say so */
    return 0;
  }
  if ((e = register_locked(pd, fd, seq)) != 0) {
    mwi_unlock(&pd->lock);
    return e;
  }
  uint8_t turns = mwi_load_relaxed(&pd->turns) + 1;
  mwi_store_relaxed(&pd->turns, turns);
  if (MWI_UNLIKELY(turns >= TURNS) && mwi_load_relaxed(&pd->kind) == MWI_FD_TCP &&
      !mwi_load_relaxed(&pd->foreign) && !mwi_load_relaxed(&pd->shared))
    look_at_home_locked(pd, fd, seq);
  if (unasked && !note_unasked_locked(pd, fd)) {
    mwi_unlock(&pd->lock);
    mwi_store_relaxed(&pd->blocks, false); /* until somebody has asked */
    return 1;
  }
  mwi_store_seqcst(&io->state, MWI_IOW_PENDING);
  io->node.many = false;
  enqueue_locked(&io->node, pd, dir);
  bool ready = mwi_load_seqcst(&pd->ready[dir]); /* [NP2] */
  if (ready || mwi_io_is_cut(mwi_io_cut_by(deadline))) {
    unlink_locked(&io->node);
    mwi_store_seqcst(&io->state, MWI_IOW_IDLE);
    mwi_unlock(&pd->lock);
    return ready ? 0 : -EINTR;
  }
  uint32_t why = park(io, &pd->lock, deadline);
  leave_queue(&io->node);
  mwi_store_relaxed(&io->state, MWI_IOW_IDLE);
  if (why == MWI_IOW_CLOSED) return -EBADF;
  if (why == MWI_IOW_CUT && mwi_io_is_cut(mwi_io_cut_by(deadline))) return -EINTR;
  return why == MWI_IOW_TIMEOUT && passed(deadline) ? -EAGAIN : 0;
}

/* ---- Several at once --------------------------------------------------- */

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
  m->io = wait_of(mwi_getg());
  m->nodes = NULL;
  m->deadline = deadline;
}

void mwi_many_arm(struct mwi_many *m) {
  mwi_store_seqcst(&m->io->state, MWI_IOW_PENDING);
}

int mwi_many_add(struct mwi_many *m, int fd, unsigned dirs) {
  int e = need_open();
  struct mwi_pd *pd = mwi_pd_get(fd, true);
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
    e = register_locked(pd, fd, mwi_load_relaxed(&pd->seq));
    if (e == 0) enqueue_locked(&n->n, pd, d);
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
  if (passed(m->deadline)) return MWI_MANY_DEADLINE;
  uint32_t why = park(m->io, NULL, m->deadline);
  if (why == MWI_IOW_CLOSED) return MWI_MANY_CLOSED;
  return why == MWI_IOW_TIMEOUT && passed(m->deadline) ? MWI_MANY_DEADLINE : MWI_MANY_LOOK;
}

void mwi_many_end(struct mwi_many *m) {
  for (struct many_node *n = (struct many_node *)m->nodes, *next; n; n = next) {
    next = n->own_next;
    leave_queue(&n->n);
    node_put(n);
  }
  m->nodes = NULL;
  mwi_store_seqcst(&m->io->state, MWI_IOW_IDLE);
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

static void end_life_locked(struct mwi_pd *pd, int fd, struct mwi_glist *woken) {
  mwi_store_seqcst(&pd->seq, mwi_load_relaxed(&pd->seq) + 1);
  for (enum mwi_io_dir d = MWI_IO_READ; d <= MWI_IO_WRITE; d++)
    wake_queue_locked(pd, d, MWI_IOW_CLOSED, woken);
  /* Duplicates keep the open file in the set otherwise, under a number that means
   * something else by then. */
  if (fd >= 0 && mwi_load_relaxed(&pd->registered))
    mwi_netpoll_os_remove(mwi_load_relaxed(&pd->home), fd);
}

void mwi_pd_fresh(int fd, enum mwi_fd_kind kind) {
  struct mwi_pd *pd = mwi_pd_get(fd, kind != MWI_FD_UNKNOWN);
  if (!pd || !records_are_ours()) return;
  struct mwi_glist woken = {0};
  lock_to_wake(pd);
  mwi_store_seqcst(&pd->closing, false);
  end_life_locked(pd, -1, &woken); /* closed where we did not see it: gone from the set */
  life_begins(pd, kind, kind == MWI_FD_UNKNOWN);
  mwi_rt_enter(); /* the goroutines woken are on nobody's list until they are queued */
  mwi_unlock(&pd->lock);
  inject_beside(&woken);
  mwi_rt_leave();
}

struct mwi_pd *mwi_pd_close_begin(int fd, uint32_t *seq) {
  /* Nobody has met a descriptor yet, and perhaps no thread its control block. */
  if (!mwi_load_acquire(&nchunks)) return NULL;
  struct mwi_pd *pd = mwi_pd_get(fd, false);
  if (!pd) return NULL;
  struct mwi_tcb *t = mwi_tcb();
  if (t->attached && t->rt > 0) { /* a signal handler, perhaps over a holder of this lock */
    mwi_store_seqcst(&pd->sticky, true);
    mwi_store_seqcst(&pd->foreign, true); /* the next wait finds out */
    return NULL;
  }
  if (!records_are_ours()) return NULL;
  struct mwi_glist woken = {0};
  lock_to_wake(pd);
  mwi_store_seqcst(&pd->closing, true);
  end_life_locked(pd, fd, &woken);
  life_begins(pd, MWI_FD_UNKNOWN, true);
  *seq = mwi_load_relaxed(&pd->seq);
  mwi_rt_enter(); /* the goroutines woken are on nobody's list until they are queued */
  mwi_unlock(&pd->lock);
  inject_beside(&woken);
  mwi_rt_leave();
  return pd;
}

void mwi_pd_close_end(struct mwi_pd *pd, uint32_t seq) {
  if (!pd) return;
  struct mwi_glist woken = {0};
  lock_to_wake(pd);
  if (mwi_load_relaxed(&pd->seq) == seq) { /* else fresh has done it */
    mwi_store_seqcst(&pd->closing, false);
    for (enum mwi_io_dir d = MWI_IO_READ; d <= MWI_IO_WRITE; d++)
      wake_queue_locked(pd, d, MWI_IOW_CLOSED, &woken);
  }
  mwi_rt_enter(); /* the goroutines woken are on nobody's list until they are queued */
  mwi_unlock(&pd->lock);
  inject_beside(&woken);
  mwi_rt_leave();
}

void mwi_pd_close_many(unsigned first, unsigned last) {
  for (uint32_t k = first / CHUNK, n = mwi_load_acquire(&nchunks); k < n && k <= last / CHUNK;
       k++) {
    if (!mwi_load_acquire(&chunks[k])) continue;
    for (unsigned fd = k * CHUNK; fd < (k + 1) * CHUNK; fd++) {
      uint32_t seq = 0;
      if (fd < first || fd > last || mwi_netpoll_os_owns((int)fd)) continue;
      struct mwi_pd *pd = mwi_pd_close_begin((int)fd, &seq);
      mwi_sys1(SYS_close, fd);
      mwi_pd_close_end(pd, seq);
    }
  }
}

void mwi_netpoll_forked(void) {
  /* Never used: there is nothing to forget, and no page to be copied for that. */
  if (!mwi_load_relaxed(&owner_pid) && !mwi_load_relaxed(&nchunks) && !mwi_netpoll_open() &&
      !mwi_load_relaxed(&open_lock.state) && !mwi_load_relaxed(&pool_lock.state))
    return;
  open_lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_LEAF);
  pool_lock = (struct mwi_lock)MWI_LOCK_INIT(MWI_RANK_LEAF);
  if (mwi_netpoll_open()) mwi_netpoll_os_forked();
  if (mwi_load_relaxed(&owner_pid)) mwi_store_relaxed(&owner_pid, (int)mwi_sys0(SYS_getpid));
  mwi_store_seqcst(&mwi_netpoll_is_open, false);
  mwi_store_seqcst(&homes, false);
  for (int k = 0; k < MWI_POLL_SETS; k++) mwi_store_relaxed(&sets[k].by, NULL);
  for (struct mwi_unasked *u = mwi_load_relaxed(&all_unasked); u; u = u->next) {
    mwi_store_relaxed(&u->head, mwi_load_relaxed(&u->tail));
    mwi_store_relaxed(&u->busy, 0);
  }
  for (int i = 0; i < TALLIES; i++) {
    mwi_store_seqcst(&tallies[i].parks, 0);
    mwi_store_seqcst(&tallies[i].ends, 0);
  }
  /* Whoever waited is not in the child: its record may serve another goroutine. */
  MWI_EACH_G(g) {
    struct mwi_iowait *io = mwi_load_relaxed(&g->io);
    if (!io) continue;
    mwi_store_relaxed(&io->state, MWI_IOW_IDLE);
    mwi_store_relaxed(&io->node.queued, false);
    mwi_timer_disarm(&io->timer);
  }
  for (uint32_t k = 0, n = mwi_load_acquire(&nchunks); k < n; k++) {
    struct mwi_pd *c = mwi_load_acquire(&chunks[k]);
    for (int i = 0; c && i < CHUNK; i++) {
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
