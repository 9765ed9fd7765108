/* SPDX-License-Identifier: MIT */
/*
 * tests/net/test_netpoll.c -- netpoll's records, queues and deadlines under the sanitizers
 *
 * Threads that are attached to the runtime park as goroutines bound to their threads: no
 * stack is switched, so ThreadSanitizer and AddressSanitizer follow everything that netpoll,
 * timers, the scheduler's loop and the keeper do with them.  What is read is counted; a lost
 * wake-up shows as the time limit.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "sched/libc.h"
#include "sched/netpoll.h"
#include "sched/unasked.h"

int mwi_rt_close(int fd);
int mwi_rt_fcntl(int fd, int cmd, ...);
int mwi_rt_accept(int fd, struct sockaddr *restrict a, socklen_t *restrict len);
int mwi_rt_socketpair(int domain, int type, int protocol, int fd[2]);
int mwi_rt_pipe2(int fd[2], int flags);

enum { ROUNDS = 200, READERS = 4 };
static const int64_t long_ns = INT64_C(3600000000000); /* the test's time limit comes first */

/* RWF_NOWAIT; for pipes Linux has it since 6.4.  Before, one look and one read at a time. */
static long read_now(int fd, char *p, size_t n) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  struct iovec v = {p, n};
  long r = mwi_attempt6(SYS_preadv2, fd, (long)&v, 1, -1, -1, 8 /* RWF_NOWAIT */);
  if (r != -EOPNOTSUPP) return r;
  pthread_mutex_lock(&lock);
  r = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1 ? read(fd, p, n) : -EAGAIN;
  if (r == -1) r = -errno;
  pthread_mutex_unlock(&lock);
  return r;
}

/* As libc_io.c does it on a goroutine.  Bytes, 0, or -errno; ns: of the deadline, 0 none. */
static long take_some(int fd, bool socket, int64_t ns, size_t room) {
  struct mwi_io_op op;
  mwi_attach();
  if (!mwi_io_begin(&op, fd, MWI_IO_READ)) return op.kind < 0 ? op.kind : -EBADF;
  if (ns) {
    op.deadline = mwi_timer_deadline(ns);
    op.timed = true;
    mwi_io_wait_begins();
  }
  for (;;) {
    char c[16];
    long r = -EAGAIN;
    if (mwi_io_try(&op))
      r = socket ? mwi_attempt6(SYS_recvfrom, fd, (long)c, (long)room, MSG_DONTWAIT, 0, 0)
                 : read_now(fd, c, room);
    if (r == -EAGAIN) {
      r = mwi_io_block(&op);
      if (r == 0) continue;
    }
    bool emptied = op.kind == MWI_FD_TCP && r > 0 && (size_t)r < room;
    mwi_io_done(&op, r == -EAGAIN || (emptied && !mwi_load_relaxed(&op.pd->sticky)));
    return r;
  }
}

static long take(int fd, bool socket, int64_t ns) {
  return take_some(fd, socket, ns, 1);
}

static long give(int fd, const void *p, size_t n) {
  return mwi_sys3(SYS_write, fd, p, n);
}

struct side {
  pthread_t thread;
  int fd[2];
  bool socket;
  int64_t ns;
  _Atomic long bytes, timeouts, closed, cut;
  _Atomic int ready;
};

static void *run(struct side *s, void *(*fn)(void *)) {
  return (void *)(intptr_t)pthread_create(&s->thread, NULL, fn, s);
}

/* ---- Several readers, one descriptor, deadlines [NP1] [NP2] [NP3] ----------- */

static void *reader(void *arg) {
  struct side *s = arg;
  for (;;) {
    long r = take(s->fd[0], s->socket, s->ns);
    if (r == -EAGAIN)
      s->timeouts++;
    else if (r > 0)
      s->bytes += r;
    else
      return NULL;
  }
}

static void many_readers(bool socket, int64_t ns) {
  struct side s[READERS] = {0};
  int fd[2];
  assert_int_equal(socket ? mwi_rt_socketpair(AF_UNIX, SOCK_STREAM, 0, fd) : mwi_rt_pipe2(fd, 0),
                   0);
  for (int i = 0; i < READERS; i++) {
    s[i] = (struct side){.fd = {fd[0], fd[1]}, .socket = socket, .ns = ns};
    assert_null(run(&s[i], reader));
  }
  for (int i = 0; i < ROUNDS; i++) {
    assert_int_equal(give(fd[1], "abcde", 1 + (size_t)i % 5), 1 + i % 5);
    if (i % 8 == 0) usleep(200);
  }
  assert_int_equal(mwi_rt_close(fd[1]), 0); /* the end, for each of them */
  long sum = 0;
  for (int i = 0; i < READERS; i++) {
    pthread_join(s[i].thread, NULL);
    sum += s[i].bytes;
  }
  assert_int_equal(sum, ROUNDS * 3);
  assert_int_equal(mwi_rt_close(fd[0]), 0);
}

static void readers_of_a_socket(void **state) {
  (void)state;
  many_readers(true, 0);
}
static void readers_of_a_pipe(void **state) {
  (void)state;
  many_readers(false, 0);
}
static void readers_with_deadlines(void **state) {
  (void)state;
  many_readers(true, 100000);
  many_readers(false, 300000);
}

/* ---- Closed under the reader, and the number is another's [NP4] ----------- */

static void *victim(void *arg) {
  struct side *s = arg;
  s->ready = 1;
  long r = take(s->fd[0], s->socket, 0);
  assert_true(r == 1 || r == 0 || r == -EBADF || r == -ENOTSOCK);
  return NULL;
}

static _Atomic bool churning;
static void *churn(void *unused) { /* numbers are taken and given back beside */
  (void)unused;
  while (churning) {
    int fd[2];
    if (pipe(fd) != 0) continue;
    close(fd[0]);
    close(fd[1]);
  }
  return NULL;
}

static void closes(void **state) {
  (void)state;
  pthread_t plain;
  churning = true;
  assert_int_equal(pthread_create(&plain, NULL, churn, NULL), 0);
  for (int i = 0; i < ROUNDS; i++) {
    struct side s = {.socket = i % 2};
    assert_int_equal(
        s.socket ? mwi_rt_socketpair(AF_UNIX, SOCK_STREAM, 0, s.fd) : mwi_rt_pipe2(s.fd, 0), 0);
    assert_null(run(&s, victim));
    while (!s.ready) usleep(20);
    if (i % 3) usleep((useconds_t)(i % 7) * 100);
    if (i % 4 == 0) give(s.fd[1], "x", 1);
    /* the reader may begin only now: so its number stays a file's that is at its end */
    int null = open("/dev/null", O_RDONLY);
    uint32_t seq;
    struct mwi_pd *pd = mwi_pd_close_begin(s.fd[0], &seq);
    assert_int_equal(mwi_sys3(SYS_dup3, null, s.fd[0], 0), s.fd[0]);
    mwi_pd_close_end(pd, seq);
    pthread_join(s.thread, NULL);
    mwi_rt_close(s.fd[0]);
    mwi_rt_close(s.fd[1]);
    close(null);
  }
  churning = false;
  pthread_join(plain, NULL);
}

/* ---- Several descriptors at once ---------------------------------------- */

static void *selector(void *arg) {
  struct side *s = arg; /* two of them */
  mwi_attach();
  for (;;) {
    struct mwi_many m;
    mwi_many_begin(&m, mwi_timer_deadline(200000));
    enum mwi_many_why why = MWI_MANY_LOOK;
    bool over = false;
    for (int i = 0; i < 2; i++) assert_int_equal(mwi_many_add(&m, s[i].fd[0], 1), 0);
    while (why == MWI_MANY_LOOK && !over) {
      mwi_many_arm(&m);
      char c[4];
      for (int i = 0; i < 2; i++) {
        long r = mwi_attempt6(SYS_recvfrom, s[i].fd[0], (long)c, sizeof c, MSG_DONTWAIT, 0, 0);
        if (r > 0) s[i].bytes += r;
        over |= r == 0;
      }
      if (!over) why = mwi_many_park(&m);
    }
    if (why == MWI_MANY_DEADLINE) s[0].timeouts++;
    mwi_many_end(&m);
    if (over) return NULL;
  }
}

static void several_at_once(void **state) {
  (void)state;
  struct side s[2] = {0};
  for (int i = 0; i < 2; i++)
    assert_int_equal(mwi_rt_socketpair(AF_UNIX, SOCK_STREAM, 0, s[i].fd), 0);
  assert_null(run(&s[0], selector));
  for (int i = 0; i < ROUNDS; i++) {
    assert_int_equal(give(s[i & 1].fd[1], "ab", 2), 2);
    if (i % 16 == 0) usleep(500);
  }
  while (s[0].bytes + s[1].bytes < 2 * ROUNDS) usleep(100);
  mwi_rt_close(s[0].fd[1]);
  pthread_join(s[0].thread, NULL);
  for (int i = 0; i < 2; i++) mwi_rt_close(s[i].fd[0]);
  mwi_rt_close(s[1].fd[1]);
}

/* ---- Cut short [NP6] ------------------------------------------------------ */

static _Atomic(struct mwi_g *) cut_g;

static void *cuttable(void *arg) {
  struct side *s = arg;
  mwi_attach();
  cut_g = mwi_getg();
  for (;;) {
    long r = take(s->fd[0], true, 0);
    if (r == -EINTR)
      s->cut++;
    else if (r == 1)
      s->bytes++;
    else
      return NULL;
  }
}

/* What cut.c does in a handler, and sysmon after it. */
static void cut(struct mwi_g *g) {
  struct mwi_iowait *io = mwi_load_acquire(&g->io);
  if (!io) return;
  uint64_t wait = mwi_load_seqcst(&io->wait);
  while (!mwi_cas_seqcst(&io->wait, &wait, wait | MWI_CUT_RESTARTED | MWI_CUT_NEVER)) continue;
  mwi_io_cut(g);
}

static void cuts(void **state) {
  (void)state;
  struct side s = {0};
  assert_int_equal(mwi_rt_socketpair(AF_UNIX, SOCK_STREAM, 0, s.fd), 0);
  assert_null(run(&s, cuttable));
  while (!cut_g) usleep(20);
  for (int i = 0; i < ROUNDS; i++) {
    if (i % 3 == 0) assert_int_equal(give(s.fd[1], "x", 1), 1);
    long before = s.cut;
    /* a cut that comes between two calls is for neither */
    while (s.cut == before) {
      cut(cut_g);
      usleep(20);
    }
  }
  mwi_rt_close(s.fd[1]);
  pthread_join(s.thread, NULL);
  assert_int_equal(s.bytes, (ROUNDS + 2) / 3);
  mwi_rt_close(s.fd[0]);
}

static int begin(void **state) {
  (void)state;
  mwi_attach();
  return 0;
}

static int mine_of_pair(int fd[2]);

/* ---- Parked without having been asked [NP8] -------------------------------- */

static struct mwi_pd *ours(int fd) {
  struct mwi_pd *pd = mwi_pd_get(fd);
  mwi_store_relaxed(&pd->foreign, false); /* the sanitizers' builds see no closes */
  return pd;
}

enum { FIRST = 4 };

/* Bytes, until something else comes, which is the result.  At the FIRST one somebody sets
 * O_NONBLOCK. */
static void *until_else(void *arg) {
  struct side *s = arg;
  long r;
  while ((r = take_some(s->fd[1], true, 0, 16)) == 1) { /* short: the next one may park at once */
    if (s->socket && s->bytes + 1 == FIRST) mwi_sys3(SYS_fcntl, s->fd[1], F_SETFL, O_NONBLOCK);
    s->bytes++;
  }
  s->closed = r;
  return NULL;
}

static void give_first(struct side *s, const struct mwi_pd *pd) {
  for (int n = 1; n <= FIRST; n++) {
    while (!mwi_load_seqcst(&pd->queue[MWI_IO_READ])) usleep(20);
    assert_int_equal(give(s->fd[0], "x", 1), 1);
    while (s->bytes < n) usleep(20);
  }
}

/* By another process, for example. */
static void flag_unseen(void **state) {
  (void)state;
  for (int i = 0; i < ROUNDS / 4; i++) {
    struct side s = {.socket = true};
    struct mwi_pd *pd = ours(mine_of_pair(s.fd));
    assert_null(run(&s, until_else));
    give_first(&s, pd);
    if (i % 2) mwi_unasked_rest(mwi_os_monotonic(), true); /* beside those whose job it is */
    pthread_join(s.thread, NULL);
    assert_int_equal(s.bytes, FIRST);
    assert_int_equal(s.closed, -EAGAIN);
    assert_false(mwi_load_relaxed(&pd->blocks));
    mwi_rt_close(s.fd[0]);
    mwi_rt_close(s.fd[1]);
  }
}

/* By a call of ours: for reads that come.  Who waits goes on to wait, as in the kernel, unless
 * an edge has it look. */
static void flag_seen(void **state) {
  (void)state;
  for (int i = 0; i < ROUNDS / 4; i++) {
    struct side s = {.socket = false};
    struct mwi_pd *pd = ours(mine_of_pair(s.fd));
    assert_null(run(&s, until_else));
    give_first(&s, pd);
    while (!mwi_load_seqcst(&pd->queue[MWI_IO_READ])) usleep(20);
    uint32_t parks = mwi_load_relaxed(&pd->parks);
    assert_int_equal(mwi_rt_fcntl(s.fd[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_not_equal(mwi_load_relaxed(&pd->parks), parks);
    assert_int_equal(give(s.fd[0], "x", 1), 1);
    pthread_join(s.thread, NULL);
    assert_in_range(s.bytes, FIRST, FIRST + 1);
    assert_int_equal(s.closed, -EAGAIN);
    assert_false(mwi_load_relaxed(&pd->blocks));
    mwi_rt_close(s.fd[0]);
    mwi_rt_close(s.fd[1]);
  }
}

/* ---- Step by step: what comes between two steps of a wait ------------------- */

static struct mwi_io_op read_of(int fd) {
  struct mwi_io_op op;
  mwi_attach();
  assert_true(mwi_io_begin(&op, fd, MWI_IO_READ));
  return op;
}

/* A handler runs, and sysmon has looked, before the goroutine is in the queue [NP6]. */
static void cut_before_the_wait(void **state) {
  (void)state;
  int fd[2];
  assert_int_equal(mwi_rt_pipe2(fd, 0), 0);
  for (int turn = 0; turn < 2; turn++) { /* the first one registers it */
    struct mwi_io_op op = read_of(fd[0]);
    mwi_io_wait_begins();
    struct mwi_iowait *io = mwi_iowait_of(mwi_getg());
    mwi_store_seqcst(&io->wait, mwi_load_seqcst(&io->wait) | MWI_CUT_NEVER);
    mwi_io_cut(mwi_getg());
    assert_int_equal(mwi_io_wait(op.pd, fd[0], op.seq, MWI_IO_READ, mwi_timer_deadline(long_ns),
                                 MWI_CUT_NEVER, false),
                     -EINTR);
    assert_null(mwi_load_relaxed(&op.pd->queue[MWI_IO_READ]));
    mwi_io_wait_begins(); /* the next call's: that cut was not for it */
    assert_int_equal(
        mwi_io_wait(op.pd, fd[0], op.seq, MWI_IO_READ, mwi_timer_deadline(1), MWI_CUT_NEVER, false),
        -EAGAIN);
  }
  mwi_rt_close(fd[0]);
  mwi_rt_close(fd[1]);
}

/* Who polls is told of a close when the kernel has closed it: before, it would look for nothing. */
static void pollers_wait_for_the_close(void **state) {
  (void)state;
  int fd[2];
  uint32_t seq = 0;
  struct mwi_many m;
  assert_int_equal(mwi_rt_pipe2(fd, 0), 0);
  mwi_many_begin(&m, 0);
  assert_int_equal(mwi_many_add(&m, fd[0], 1 << MWI_IO_READ), 0);
  mwi_many_arm(&m);
  struct mwi_pd *pd = mwi_pd_close_begin(fd[0], &seq);
  assert_non_null(pd);
  assert_int_equal(mwi_load_seqcst(&m.io->state), MWI_IOW_PENDING);
  mwi_sys1(SYS_close, fd[0]);
  mwi_pd_close_end(pd, seq);
  assert_int_equal(mwi_load_seqcst(&m.io->state), MWI_IOW_CLOSED);
  mwi_many_end(&m);
  assert_null(mwi_load_relaxed(&pd->queue[MWI_IO_READ]));
  mwi_rt_close(fd[1]);
}

static void deliver(int fd, uint32_t seq, uint32_t what) {
  struct mwi_poll_events ev = {.n = 1};
  struct mwi_glist ready = {0};
  ev.at[0].fd = fd;
  ev.at[0].seq = seq;
  ev.at[0].what = what;
  mwi_rt_enter();
  mwi_netpoll_deliver(&ev, &ready);
  mwi_glist_run(&ready);
  mwi_rt_leave();
}

/* After a hang-up a short read has not emptied the socket: there is the end, of which no edge will
 * tell any more.  Not that of another life [NP4]. */
static void hang_ups_are_remembered(void **state) {
  (void)state;
  int fd[2];
  mine_of_pair(fd);
  struct mwi_io_op op = read_of(fd[1]);
  mwi_store_relaxed(&op.pd->foreign, false);
  do /* nothing is done where the time is over before it has begun */
    assert_int_equal(mwi_io_wait(op.pd, fd[1], op.seq, MWI_IO_READ, mwi_timer_deadline(1000000),
                                 MWI_CUT_NEVER, false),
                     -EAGAIN);
  while (!mwi_load_relaxed(&op.pd->registered));
  assert_false(mwi_io_try(&op)); /* emptied, and no edge since */
  deliver(fd[1], op.seq + 1, MWI_EV_READ | MWI_EV_STICKY);
  assert_false(mwi_io_try(&op));
  deliver(fd[1], op.seq, MWI_EV_READ);
  assert_true(mwi_io_try(&op)); /* which takes it */
  assert_false(mwi_io_try(&op));
  deliver(fd[1], op.seq, MWI_EV_READ | MWI_EV_STICKY);
  for (int i = 0; i < 3; i++) assert_true(mwi_io_try(&op));
  mwi_rt_close(fd[0]);
  mwi_rt_close(fd[1]);
}

/* A handler makes and duplicates descriptors over whoever holds their records' locks. */
static void made_by_a_handler(void **state) {
  (void)state;
  enum { UNMET = 100000 }; /* no descriptor has such a number: its records are not there */
  int fd[2];
  assert_int_equal(mwi_rt_pipe2(fd, 0), 0);
  mwi_attach();
  struct mwi_pd *pd = mwi_pd_get(fd[0]);
  uint32_t seq = mwi_load_seqcst(&pd->seq);
  mwi_store_relaxed(&pd->foreign, false);
  mwi_lock(&pd->lock);
  mwi_pd_fresh(fd[0], MWI_FD_STREAM);
  mwi_pd_shared(fd[0]);
  mwi_pd_fresh(UNMET, MWI_FD_STREAM);
  mwi_pd_shared(UNMET);
  mwi_unlock(&pd->lock);
  assert_int_equal(mwi_load_seqcst(&pd->seq), seq);
  assert_int_equal(mwi_load_relaxed(&pd->kind), MWI_FD_UNKNOWN);
  assert_true(mwi_load_relaxed(&pd->foreign) && mwi_load_relaxed(&pd->shared));
  assert_null(mwi_pd_find(UNMET));
  assert_int_equal(give(fd[1], "x", 1), 1);
  assert_int_equal(take(fd[0], false, long_ns), 1);
  mwi_rt_close(fd[0]);
  mwi_rt_close(fd[1]);
}

static void *writer(void *arg) {
  struct side *s = arg;
  struct mwi_io_op op;
  mwi_attach();
  if (!mwi_io_begin(&op, s->fd[1], MWI_IO_WRITE)) return NULL;
  for (;;) {
    struct iovec v = {"w", 1};
    long r = -EAGAIN;
    if (mwi_io_try(&op)) r = mwi_attempt6(SYS_pwritev2, s->fd[1], (long)&v, 1, -1, -1, 8);
    if (r == -EAGAIN && (r = mwi_io_block(&op)) == 0) continue;
    mwi_io_done(&op, r == -EAGAIN);
    s->bytes += r;
    return NULL;
  }
}

static int waiting_writers(const struct mwi_pd *pd) {
  int n = 0;
  mwi_lock((struct mwi_lock *)&pd->lock);
  struct mwi_ionode *head = mwi_load_relaxed(&pd->queue[MWI_IO_WRITE]), *at = head;
  for (; at; at = at->next == head ? NULL : at->next) n++;
  mwi_unlock((struct mwi_lock *)&pd->lock);
  return n;
}

/* One edge, room for all: each writer passes it on [NP3]. */
static void writers_pass_it_on(void **state) {
  (void)state;
  struct side s[READERS] = {0};
  int fd[2];
  char some[4096];
  assert_int_equal(mwi_rt_pipe2(fd, 0), 0);
  assert_int_equal(mwi_sys3(SYS_fcntl, fd[1], F_SETFL, O_NONBLOCK), 0);
  memset(some, 'x', sizeof some);
  while (give(fd[1], some, sizeof some) > 0) continue;
  assert_int_equal(mwi_sys3(SYS_fcntl, fd[1], F_SETFL, 0), 0);
  struct mwi_pd *pd = mwi_pd_get(fd[1]);
  for (int i = 0; i < READERS; i++) {
    s[i] = (struct side){.fd = {fd[0], fd[1]}};
    assert_null(run(&s[i], writer));
  }
  while (waiting_writers(pd) < READERS) usleep(200);
  assert_int_equal(mwi_sys3(SYS_read, fd[0], some, sizeof some), sizeof some);
  for (int i = 0; i < READERS; i++) {
    pthread_join(s[i].thread, NULL);
    assert_int_equal(s[i].bytes, 1);
  }
  mwi_rt_close(fd[0]);
  mwi_rt_close(fd[1]);
}

/* ---- Homes: the set of the CPU on which packets arrive [NP1] [NP7] ---------- */

static int cpu_of(int i) { /* the i-th that we may run on; -1: none */
  cpu_set_t may;
  assert_int_equal(sched_getaffinity(0, sizeof may, &may), 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &may) && i-- == 0) return cpu;
  return -1;
}

static void stay_on(int cpu) {
  cpu_set_t there;
  CPU_ZERO(&there);
  CPU_SET(cpu, &there);
  assert_int_equal(sched_setaffinity(0, sizeof there, &there), 0);
}

struct echo {
  pthread_t thread;
  int fd;
  bool slow; /* about it, so that a keeper who trusted it waits in the kernel meanwhile */
};

static void compute(void) {
  int64_t until = mwi_os_monotonic() + 2000000;
  while (mwi_os_monotonic() < until) {
  }
}

static void *echo_all(void *arg) {
  struct echo *e = arg;
  for (;;) {
    struct mwi_io_op op;
    mwi_attach();
    if (!mwi_io_begin(&op, e->fd, MWI_IO_READ)) return NULL;
    /* The sanitizers' builds see no closes, and take nobody's socket for our own. */
    mwi_store_relaxed(&op.pd->foreign, false);
    long r = take(e->fd, true, 0);
    if (r <= 0) return NULL;
    if (give(e->fd, "x", 1) != 1) return NULL;
    if (e->slow) compute();
  }
}

static int mine_of_pair(int fd[2]) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  int l = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof a), 0);
  assert_int_equal(listen(l, 8), 0);
  assert_int_equal(getsockname(l, (struct sockaddr *)&a, &len), 0);
  fd[0] = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(connect(fd[0], (struct sockaddr *)&a, sizeof a), 0);
  fd[1] = mwi_rt_accept(l, NULL, NULL);
  assert_true(fd[1] >= 0);
  close(l);
  return fd[1];
}

/* Peers on one CPU, then on another, and back: every byte is answered, and the records follow. */
static void follow(int pairs, int bytes, bool slow) {
  enum { PAIRS = 4, FLIPS = 6 };
  struct echo e[PAIRS];
  int fd[PAIRS][2], moved = 0;
  assert_true(pairs <= PAIRS);
  cpu_set_t may;
  assert_int_equal(sched_getaffinity(0, sizeof may, &may), 0);
  for (int i = 0; i < pairs; i++) {
    e[i].fd = mine_of_pair(fd[i]);
    e[i].slow = slow;
    assert_int_equal(pthread_create(&e[i].thread, NULL, echo_all, &e[i]), 0);
  }
  for (int flip = 0; flip < FLIPS; flip++) {
    int cpu = cpu_of(flip % 2);
    if (cpu < 0) break;
    stay_on(cpu);
    for (int n = 0; n < bytes; n++) {
      if (slow) usleep(5000);
      for (int i = 0; i < pairs; i++) assert_int_equal(give(fd[i][0], "y", 1), 1);
      for (int i = 0; i < pairs; i++) {
        char c = 0;
        assert_int_equal(read(fd[i][0], &c, 1), 1);
        assert_int_equal(c, 'x');
        moved +=
            mwi_load_relaxed(&mwi_pd_find(fd[i][1])->home) == 1 + (unsigned)cpu % MWI_POLL_CPUS;
      }
    }
    assert_int_equal(sched_setaffinity(0, sizeof may, &may), 0);
  }
  for (int i = 0; i < pairs; i++) {
    close(fd[i][0]);
    pthread_join(e[i].thread, NULL);
    assert_int_equal(mwi_rt_close(fd[i][1]), 0);
    assert_int_equal(mwi_load_relaxed(&mwi_pd_find(fd[i][1])->home), MWI_POLL_ALL);
  }
  if (cpu_of(1) >= 0) assert_true(moved > 0);
}

/* One that computes in between, alone: the keeper trusts nobody then, and waits in the kernel. */
static void first_home(void **state) {
  (void)state;
  follow(1, 10, true);
}
static void homes(void **state) {
  (void)state;
  follow(4, 50, false); /* each byte waits for both threads' turns, beside others' load */
}

/* ---- A set is made while the keeper waits for the others ------------------------ */

static void all_stay_on(const cpu_set_t *cpus) {
  DIR *d = opendir("/proc/self/task");
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    int tid = atoi(e->d_name);
    if (tid) sched_setaffinity(tid, sizeof *cpus, cpus); /* it may have ended */
  }
  closedir(d);
}

static _Atomic bool kept;

/* Parks when the keeper waits in the kernel, for what there is then. */
static void *parks_late(void *arg) {
  int fd = *(int *)arg;
  struct mwi_io_op op;
  mwi_attach();
  assert_true(mwi_io_begin(&op, fd, MWI_IO_READ));
  mwi_store_relaxed(&op.pd->foreign, false);
  while (!kept || !mwi_load_seqcst(&mwi_netpoll_blocking)) sched_yield();
  assert_int_equal(take(fd, true, 0), 1);
  assert_int_equal(give(fd, "x", 1), 1);
  return NULL;
}

/*
 * All on one CPU, which no descriptor has been at home on.  The one who reads has a thread of
 * ours pass there, which then waits for everybody's set in the kernel; only then the other parks,
 * for a set that is new.  If the keeper does not begin again, nobody hears of its byte, and the
 * time limit comes.
 */
static void new_set_of(int cpu) {
  struct side other = {.socket = true};
  cpu_set_t may, one;
  pthread_t late;
  int fd[2];
  unsigned home = 1 + (unsigned)cpu % MWI_POLL_CPUS;
  assert_int_equal(sched_getaffinity(0, sizeof may, &may), 0);
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  assert_int_equal(mwi_rt_socketpair(AF_UNIX, SOCK_STREAM, 0, other.fd), 0);
  assert_null(run(&other, reader));
  assert_false(mwi_netpoll_open() && mwi_netpoll_os_has(home)); /* this test comes first */

  kept = false;
  all_stay_on(&one);
  int mine = mine_of_pair(fd);
  assert_int_equal(pthread_create(&late, NULL, parks_late, &mine), 0);
  usleep(1000);
  assert_int_equal(give(other.fd[1], "y", 1), 1);
  while (!other.bytes) sched_yield();
  kept = true;
  while (mwi_load_seqcst(&mwi_pd_find(mine)->queue[MWI_IO_READ]) == NULL) sched_yield();
  assert_true(mwi_netpoll_os_has(home));
  char c = 0;
  assert_int_equal(give(fd[0], "y", 1), 1);
  assert_int_equal(read(fd[0], &c, 1), 1);
  pthread_join(late, NULL);
  all_stay_on(&may);

  close(fd[0]);
  assert_int_equal(mwi_rt_close(mine), 0);
  assert_int_equal(mwi_rt_close(other.fd[1]), 0);
  pthread_join(other.thread, NULL);
  assert_int_equal(mwi_rt_close(other.fd[0]), 0);
}
static void new_set(void **state) {
  (void)state;
  for (int i = 0; i < 2 && cpu_of(1) >= 0; i++)
    new_set_of(cpu_of(i)); /* no homes with one processor */
}

/* ---- Whose edges a thread takes, on a clock of the test's own ---------------- */

/* For the calling thread: 0, none of its own. */
static _Thread_local int64_t own_ns;
static _Thread_local unsigned own_cpu;
static _Thread_local uint64_t asked; /* sets, since this was cleared */
static _Atomic uint32_t asks[MWI_POLL_SETS];

int64_t __real_mwi_os_monotonic(void);
int64_t __wrap_mwi_os_monotonic(void);
int64_t __wrap_mwi_os_monotonic(void) {
  return own_ns ? own_ns : __real_mwi_os_monotonic();
}

unsigned __real_mwi_os_cpu(void);
unsigned __wrap_mwi_os_cpu(void);
unsigned __wrap_mwi_os_cpu(void) {
  return own_ns ? own_cpu : __real_mwi_os_cpu();
}

void __real_mwi_netpoll_os_ask(struct mwi_poll_events *ev, unsigned k, int room);
void __wrap_mwi_netpoll_os_ask(struct mwi_poll_events *ev, unsigned k, int room);
void __wrap_mwi_netpoll_os_ask(struct mwi_poll_events *ev, unsigned k, int room) {
  asked |= UINT64_C(1) << k;
  asks[k]++;
  __real_mwi_netpoll_os_ask(ev, k, room);
}

/* The scheduler's look, at ns on cpu.  Which sets it asks. */
static uint64_t look(unsigned cpu, int64_t ns) {
  struct mwi_glist ready = {0};
  mwi_attach();
  mwi_rt_enter();
  own_cpu = cpu;
  own_ns = ns;
  asked = 0;
  mwi_netpoll_now(&ready);
  own_ns = 0;
  mwi_glist_run(&ready);
  mwi_rt_leave();
  return asked;
}

static const int64_t begun_ns = 1000000000; /* a second after the machine began: sooner than any
                                             * look of the scheduler's own */
static _Atomic int steps;

static void *at_home(void *cpu) {
  look((unsigned)(uintptr_t)cpu, begun_ns);
  steps++;
  while (steps < 2) usleep(20);
  mwi_netpoll_idle(NULL);
  steps++;
  while (steps < 4) usleep(20);
  return NULL;
}

/* The edges of a CPU where one of ours asks are left to it for 5 ms, which is more than the
 * slice that its clients may take meanwhile; then, or when it has gone idle, anybody's. */
static void edges_are_left_to_who_is_at_home(void **state) {
  (void)state;
  enum { LEFT_NS = 5000000 };
  unsigned k = 1;
  while (k < MWI_POLL_SETS && !mwi_netpoll_os_has(k)) k++;
  if (k == MWI_POLL_SETS) skip(); /* no CPU's: the kernel does not tell where packets come in */
  unsigned there = k - 1, here = k % MWI_POLL_CPUS;
  uint64_t its = UINT64_C(1) << k;
  for (bool again = true; again;) {
    pthread_t t;
    uint32_t before = asks[k], ours = 1; /* the other's */
    steps = 0;
    assert_int_equal(pthread_create(&t, NULL, at_home, (void *)(uintptr_t)there), 0);
    while (steps < 1) usleep(20);
    bool soon = look(here, begun_ns + 100000) & its, last = look(here, begun_ns + LEFT_NS) & its;
    bool late = look(here, begun_ns + LEFT_NS + 1) & its;
    bool left = look(here, begun_ns + LEFT_NS + 100000) & its; /* somebody has just asked */
    steps++;
    while (steps < 3) usleep(20);
    bool idle = look(here, begun_ns + LEFT_NS + 200000) & its;
    steps++;
    pthread_join(t, NULL);
    ours += (uint32_t)(soon + last + late + left + idle);
    again = asks[k] != before + ours; /* idle threads look, too, on their own clock */
    if (again) continue;
    assert_false(soon);
    assert_false(last);
    assert_true(late);
    assert_false(left);
    assert_true(idle);
  }
}

/* A function with buffers on its stack keeps what it works with out of reach of what is prefetched
 * from the parked stack pointer on; where, its goroutine's record tells (outer). */
static _Atomic uintptr_t frame, top;

static MWI_NOINLINE void *reads_beside_buffers(void *arg) {
  struct side *s = arg;
  volatile char buffer[4 * MWI_NEAR_BYTES];
  mwi_attach();
  for (size_t i = 0; i < sizeof buffer; i += 64) buffer[i] = 1;
  frame = (uintptr_t)__builtin_frame_address(0);
  top = mwi_getg()->stack.hi;
  s->bytes = take(s->fd[0], true, 0);
  return (void *)(uintptr_t)(buffer[64] - 1);
}

static void frames_beyond_buffers_are_noted(void **state) {
  (void)state;
  struct side s = {0};
  assert_int_equal(mwi_rt_socketpair(AF_UNIX, SOCK_STREAM, 0, s.fd), 0);
  struct mwi_pd *pd = mwi_pd_get(s.fd[0]);
  assert_null(run(&s, reads_beside_buffers));
  uint32_t outer = 0;
  for (const struct mwi_ionode *n = NULL; !n; usleep(20)) {
    mwi_lock(&pd->lock); /* it keeps that until it has parked */
    n = mwi_load_relaxed(&pd->queue[MWI_IO_READ]);
    if (n) outer = n->wait->g->outer;
    mwi_unlock(&pd->lock);
  }
  assert_in_range(top - outer, 1, frame);
#if !__has_feature(address_sanitizer) && __OPTIMIZE__ /* else others' frames are large, too */
  assert_int_equal(top - outer, frame);
#endif
  assert_int_equal(give(s.fd[1], "x", 1), 1);
  pthread_join(s.thread, NULL);
  assert_int_equal(s.bytes, 1);
  mwi_rt_close(s.fd[0]);
  mwi_rt_close(s.fd[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new_set),
      cmocka_unit_test(readers_of_a_socket),
      cmocka_unit_test(readers_of_a_pipe),
      cmocka_unit_test(readers_with_deadlines),
      cmocka_unit_test(closes),
      cmocka_unit_test(several_at_once),
      cmocka_unit_test(cuts),
      cmocka_unit_test(cut_before_the_wait),
      cmocka_unit_test(pollers_wait_for_the_close),
      cmocka_unit_test(made_by_a_handler),
      cmocka_unit_test(writers_pass_it_on),
      cmocka_unit_test(hang_ups_are_remembered),
      cmocka_unit_test(flag_unseen),
      cmocka_unit_test(flag_seen),
      cmocka_unit_test(first_home),
      cmocka_unit_test(homes),
      cmocka_unit_test(edges_are_left_to_who_is_at_home),
      cmocka_unit_test(frames_beyond_buffers_are_noted),
  };
  return cmocka_run_group_tests(tests, begin, NULL);
}
