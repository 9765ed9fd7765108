/* SPDX-License-Identifier: MIT */
/*
 * tests/net/semantics.c -- what a goroutine sees is what a thread would see
 *
 * O_NONBLOCK, timeouts of sockets, early close, several waiters, urgent bytes,
 * low-water marks, errors, errno.
 */
#define _GNU_SOURCE 1
#include "net.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>

static mw_waitgroup *wg;

/* ---- O_NONBLOCK is the program's --------------------------------------- */

static void one_reader(task *t) {
  char c;
  t->result = read(t->fd, &c, 1);
  t->error = errno;
}

static void nonblocking(void) {
  for (int kind = 0; kind < PAIR_KINDS; kind++) {
    int fd[2];
    char c = 'x';
    make_pair(kind, fd);
    CHECK_EQ(fcntl(fd[1], F_GETFL) & O_NONBLOCK, 0);
    task *t = go_task(wg, one_reader, fd[1], 0, 0);
    let_others_park();
    CHECK_EQ(fcntl(fd[1], F_GETFL) & O_NONBLOCK, 0); /* not ours to change */
    CHECK_EQ(write(fd[0], &c, 1), 1);
    mw_waitgroup_wait(wg);
    CHECK_EQ(t->result, 1);

    CHECK_EQ(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
    CHECK_FAILS(read(fd[1], &c, 1), EAGAIN);
    CHECK_FAILS(read(fd[1], &c, 1), EAGAIN); /* known to be empty now: still no wait */
    CHECK_EQ(write(fd[0], &c, 1), 1);
    until_ready(fd[1], POLLIN);
    CHECK_EQ(read(fd[1], &c, 1), 1);

    CHECK_EQ(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
    char *big = mw_make(char, 1 << 20);
    ssize_t n, sent = 0;
    while ((n = write(fd[0], big, 1 << 20)) > 0) sent += n;
    CHECK_EQ(n, -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK(sent > 0);
    CHECK_EQ(fcntl(fd[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    close(fd[0]);
    close(fd[1]);
  }
  int fd[2];
  char c;
  tcp_pair(fd);
  CHECK_FAILS(recv(fd[1], &c, 1, MSG_DONTWAIT), EAGAIN);
  close(fd[0]);
  close(fd[1]);
  uint16_t port;
  int l = listen_tcp(&port);
  CHECK_EQ(fcntl(l, F_SETFL, O_NONBLOCK), 0);
  CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = own_loopback()};
  int r = connect(s, (struct sockaddr *)&a, sizeof a);
  CHECK(r == 0 || errno == EINPROGRESS);
  close(s);
  close(l);
}

/*
 * A flag that nobody tells the runtime of (ioctl is libc's own; it might be another process).  The
 * goroutine has read from the socket while it blocked, so it may park before it is asked
 * again [NP8].  Whatever the others do, it gets its EAGAIN.  stays: it keeps its thread, and waits
 * with it; its processor goes idle by itself, and nobody but sysmon asks.
 */
static bool stays;
static void echo_bytes(task *t) {
  if (stays) mw_thread_lock();
  char c[16]; /* a short read leaves nothing, so the next one need not try */
  int on = 1;
  while ((t->result = read(t->fd, c, sizeof c)) == 1) {
    if (c[0] == 'z') CHECK_EQ(ioctl(t->fd, FIONBIO, &on), 0);
    CHECK_EQ(write(t->fd, c, 1), 1);
  }
  t->error = errno;
  if (stays) mw_thread_unlock();
  __atomic_store_n(&t->n, 1, __ATOMIC_RELEASE);
}

static void flag_unseen(void) {
  enum { ROUNDS = 8, READERS = 6, TIMES = 10 };
  for (int how = 0; how < TIMES; how++) {
    bool computing = how % 2 != 0;
    stays = how >= 4;
    int fd[READERS][2];
    task *t[READERS];
    for (int i = 0; i < READERS; i++) {
      tcp_pair(fd[i]);
      t[i] = go_task(wg, echo_bytes, fd[i][1], 0, 0);
    }
    for (int r = 0; r <= ROUNDS; r++) {
      char c = r == ROUNDS ? 'z' : 'x';
      for (int i = 0; i < READERS; i++) CHECK_EQ(write(fd[i][0], &c, 1), 1);
      for (int i = 0; i < READERS; i++) CHECK_EQ(read(fd[i][0], &c, 1), 1);
    }
    for (int i = 0; computing && i < READERS; i++)
      while (!__atomic_load_n(&t[i]->n, __ATOMIC_ACQUIRE)) {
      }
    mw_waitgroup_wait(wg);
    for (int i = 0; i < READERS; i++) {
      CHECK_EQ(t[i]->result, -1);
      CHECK_EQ(t[i]->error, EAGAIN);
      close(fd[i][0]);
      close(fd[i][1]);
    }
  }
}

/* ---- Timeouts ---------------------------------------------------------- */

static void set_timeout(int fd, int option, int ms) {
  struct timeval t = {ms / 1000, ms % 1000 * 1000};
  CHECK_EQ(setsockopt(fd, SOL_SOCKET, option, &t, sizeof t), 0);
}

static void timeouts(void) {
  for (int round = 0; round < 2; round++) {
    int fd[2];
    char c = 'x';
    make_pair(round ? PAIR_UNIX : PAIR_TCP, fd);
    set_timeout(fd[1], SO_RCVTIMEO, 20);
    for (int i = 0; i < 3; i++) {
      int64_t begin = mw_nanotime();
      CHECK_FAILS(read(fd[1], &c, 1), EAGAIN);
      CHECK(mw_nanotime() - begin >= 19 * MS);
      CHECK_EQ(write(fd[0], &c, 1), 1); /* in time: no trace of the deadline */
      until_ready(fd[1], POLLIN);
      CHECK_EQ(read(fd[1], &c, 1), 1);
    }
    set_timeout(fd[1], SO_RCVTIMEO, 0); /* off again, and seen */
    task *t = go_task(wg, one_reader, fd[1], 0, 0);
    mw_sleep(30 * MS);
    CHECK_EQ(write(fd[0], &c, 1), 1);
    mw_waitgroup_wait(wg);
    CHECK_EQ(t->result, 1);

    set_timeout(fd[0], SO_SNDTIMEO, 20);
    size_t n = 64 << 20; /* more than any buffer */
    char *big = mw_make(char, n);
    int64_t begin = mw_nanotime();
    ssize_t sent = write(fd[0], big, n);
    CHECK(sent > 0 && (size_t)sent < n);
    CHECK(mw_nanotime() - begin >= 19 * MS);
    while ((sent = write(fd[0], big, n)) > 0) {
    } /* what the other side's kernel took meanwhile */
    CHECK_EQ(sent, -1);
    CHECK_EQ(errno, EAGAIN);
    close(fd[0]);
    close(fd[1]);
  }
  uint16_t port;
  int l = listen_tcp(&port);
  set_timeout(l, SO_RCVTIMEO, 20);
  int64_t begin = mw_nanotime();
  CHECK_FAILS(accept(l, NULL, NULL), EAGAIN);
  CHECK(mw_nanotime() - begin >= 19 * MS);
  close(l);
}

/* Many deadlines that never pass, and are cancelled. */
static void deadline_user(task *t) {
  char c;
  set_timeout(t->fd, SO_RCVTIMEO, 60000);
  for (int64_t i = 0; i < t->n; i++) {
    CHECK_EQ(read(t->fd, &c, 1), 1);
    CHECK_EQ(write(t->fd, &c, 1), 1);
  }
}

static void cancelled_deadlines(void) {
  for (int i = 0; i < 10; i++) {
    int fd[2];
    tcp_pair(fd);
    go_task(wg, deadline_user, fd[1], 0, 100);
    task *t = go_task(wg, deadline_user, fd[0], 0, 99);
    CHECK_EQ(write(t->fd, "x", 1), 1);
  }
  mw_waitgroup_wait(wg);
}

/* ---- Early close ------------------------------------------------------- */

static void one_accept(task *t) {
  t->result = accept(t->fd, NULL, NULL);
  t->error = errno;
}

static void big_writer(task *t) {
  size_t n = 64 << 20;
  char *big = mw_make(char, n);
  t->result = write(t->fd, big, n);
  t->error = errno;
}

static void early_close(void) {
  for (int kind = 0; kind < PAIR_KINDS; kind++) {
    int fd[2];
    make_pair(kind, fd);
    task *a = go_task(wg, one_reader, fd[1], 0, 0), *b = go_task(wg, one_reader, fd[1], 0, 0);
    let_others_park();
    CHECK_EQ(close(fd[1]), 0);
    mw_waitgroup_wait(wg);
    CHECK_EQ(a->result, -1);
    CHECK_EQ(a->error, EBADF);
    CHECK_EQ(b->error, EBADF);
    close(fd[0]);

    make_pair(kind, fd);
    task *w = go_task(wg, big_writer, fd[0], 0, 0);
    let_others_park();
    CHECK_EQ(close(fd[0]), 0);
    mw_waitgroup_wait(wg);
    CHECK(w->result > 0 || w->error == EBADF); /* what was sent before counts */
    close(fd[1]);

    int null = open("/dev/null", O_RDONLY);
    for (;;) { /* dup2 closes too */
      make_pair(kind, fd);
      a = go_task(wg, one_reader, fd[1], 0, 0);
      let_others_park();
      CHECK_EQ(dup2(null, fd[1]), fd[1]);
      mw_waitgroup_wait(wg);
      if (a->result != 0) break;
      close(fd[0]); /* the reader came later than dup2 */
      close(fd[1]);
    }
    CHECK_EQ(a->result, -1);
    CHECK_EQ(a->error, EBADF);
    char c;
    CHECK_EQ(read(fd[1], &c, 1), 0); /* /dev/null by now */
    close(null);
    close(fd[0]);
    close(fd[1]);

    make_pair(kind, fd); /* the other side's end is no error */
    a = go_task(wg, one_reader, fd[1], 0, 0);
    b = go_task(wg, one_reader, fd[1], 0, 0);
    let_others_park();
    close(fd[0]);
    mw_waitgroup_wait(wg);
    CHECK_EQ(a->result, 0);
    CHECK_EQ(b->result, 0);
    close(fd[1]);
  }
  uint16_t port;
  int l = listen_tcp(&port);
  task *a = go_task(wg, one_accept, l, 0, 0);
  let_others_park();
  close(l);
  mw_waitgroup_wait(wg);
  CHECK_EQ(a->result, -1);
  CHECK_EQ(a->error, EBADF);

  int fd[2];
  tcp_pair(fd);
  a = go_task(wg, one_reader, fd[1], 0, 0);
  let_others_park();
  CHECK_EQ(shutdown(fd[1], SHUT_RDWR), 0);
  mw_waitgroup_wait(wg);
  CHECK_EQ(a->result, 0);
  close(fd[0]);
  close(fd[1]);
  char c;
  CHECK_FAILS(read(fd[0], &c, 1), EBADF);
  CHECK_FAILS(write(fd[0], &c, 1), EBADF);
  CHECK_FAILS(read(-1, &c, 1), EBADF);
  CHECK_FAILS(close(-1), EBADF);
  CHECK_FAILS(recv(open("/dev/null", O_RDONLY), &c, 1, 0), ENOTSOCK);
}

/* Data and the end arrive together: a short read, then the end, no wait for an
 * edge that was spent already. */
static void data_then_end(void) {
  for (int i = 0; i < 50; i++) {
    int fd[2];
    char buf[100];
    tcp_pair(fd);
    task *t = go_task(wg, one_reader, fd[1], 0, 0); /* so that it is registered */
    let_others_park();
    CHECK_EQ(write(fd[0], "abcdef", 6), 6);
    mw_waitgroup_wait(wg);
    CHECK_EQ(t->result, 1);
    CHECK_EQ(read(fd[1], buf, sizeof buf), 5);
    CHECK_EQ(write(fd[0], "ghi", 3), 3);
    close(fd[0]);
    if (i % 2) mw_sleep(MS);
    CHECK_EQ(read(fd[1], buf, sizeof buf), 3);
    CHECK_EQ(read(fd[1], buf, sizeof buf), 0);
    CHECK_EQ(read(fd[1], buf, sizeof buf), 0);
    close(fd[1]);
  }
}

/* ---- Several waiters --------------------------------------------------- */

static void byte_readers(task *t) {
  char c;
  ssize_t n;
  while ((n = read(t->fd, &c, 1)) == 1) t->result++;
  CHECK_EQ(n, 0);
}

static void several_readers(void) {
  enum { READERS = 8, BYTES = 2000 };
  for (int kind = 0; kind < PAIR_KINDS; kind++) {
    int fd[2];
    task *t[READERS];
    make_pair(kind, fd);
    for (int i = 0; i < READERS; i++) t[i] = go_task(wg, byte_readers, fd[1], 0, 0);
    rng r = rng_for((unsigned)kind);
    char buf[64] = {0};
    for (int sent = 0; sent < BYTES;) {
      int n = 1 + (int)rng_below(&r, sizeof buf);
      if (n > BYTES - sent) n = BYTES - sent;
      CHECK_EQ(write(fd[0], buf, (size_t)n), n);
      sent += n;
      if (rng_below(&r, 4) == 0) mw_yield();
    }
    close(fd[0]);
    mw_waitgroup_wait(wg);
    int64_t sum = 0;
    for (int i = 0; i < READERS; i++) sum += t[i]->result;
    CHECK_EQ(sum, BYTES);
    close(fd[1]);
  }
}

static void several_writers_main(task *t) {
  char buf[4096];
  memset(buf, t->other, sizeof buf);
  for (int64_t i = 0; i < t->n; i++) CHECK_EQ(write(t->fd, buf, sizeof buf), sizeof buf);
}

static void several_writers(void) {
  enum { WRITERS = 6, EACH = 60 };
  int fd[2];
  CHECK_EQ(pipe(fd), 0); /* writes of PIPE_BUF bytes are atomic */
  for (int i = 0; i < WRITERS; i++) go_task(wg, several_writers_main, fd[1], i + 1, EACH);
  char buf[4096];
  for (int i = 0; i < WRITERS * EACH; i++) {
    read_all(fd[0], buf, sizeof buf);
    for (size_t k = 1; k < sizeof buf; k++) CHECK_EQ(buf[k], buf[0]);
  }
  mw_waitgroup_wait(wg);
  close(fd[0]);
  close(fd[1]);
}

static void several_acceptors(void) {
  enum { ACCEPTORS = 8, ROUNDS = 10 };
  uint16_t port;
  int l = listen_tcp(&port);
  for (int round = 0; round < ROUNDS; round++) {
    task *t[ACCEPTORS];
    int c[ACCEPTORS];
    for (int i = 0; i < ACCEPTORS; i++) t[i] = go_task(wg, one_accept, l, 0, 0);
    if (round % 2) let_others_park();
    for (int i = 0; i < ACCEPTORS; i++) c[i] = connect_tcp(port);
    mw_waitgroup_wait(wg); /* nobody is left behind */
    for (int i = 0; i < ACCEPTORS; i++) {
      CHECK(t[i]->result >= 0);
      close((int)t[i]->result);
      close(c[i]);
    }
  }
  close(l);
}

/* ---- The rest ---------------------------------------------------------- */

static void oob_writer(task *t) {
  CHECK_EQ(send(t->fd, "ab", 2, 0), 2);
  CHECK_EQ(send(t->fd, "!", 1, MSG_OOB), 1);
  CHECK_EQ(send(t->fd, "cd", 2, 0), 2);
}

/* A read stops before an urgent byte: short, and yet there is more. */
static void urgent(void) {
  int fd[2];
  char buf[100], c;
  tcp_pair(fd);
  task *t = go_task(wg, one_reader, fd[1], 0, 0);
  let_others_park();
  CHECK_EQ(write(fd[0], "x", 1), 1);
  mw_waitgroup_wait(wg);
  CHECK_EQ(t->result, 1);
  go_task(wg, oob_writer, fd[0], 0, 0);
  mw_waitgroup_wait(wg);
  until_ready(fd[1], POLLPRI);
  CHECK_EQ(read(fd[1], buf, sizeof buf), 2);
  CHECK(memcmp(buf, "ab", 2) == 0);
  CHECK_EQ(recv(fd[1], &c, 1, MSG_OOB), 1);
  CHECK_EQ(c, '!');
  CHECK_EQ(read(fd[1], buf, sizeof buf), 2);
  CHECK(memcmp(buf, "cd", 2) == 0);
  close(fd[0]);
  close(fd[1]);
}

static void low_reader(task *t) {
  char buf[100];
  t->result = read(t->fd, buf, sizeof buf);
}

static void low_water(void) {
  int fd[2], low = 10;
  tcp_pair(fd);
  CHECK_EQ(setsockopt(fd[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low), 0);
  task *t = go_task(wg, low_reader, fd[1], 0, 0);
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(write(fd[0], "xx", 2), 2);
    mw_sleep(MS);
  }
  mw_waitgroup_wait(wg);
  CHECK_EQ(t->result, 10);
  close(fd[0]);
  close(fd[1]);
}

static void errors(void) {
  int fd[2];
  char c = 'x';
  signal(SIGPIPE, SIG_IGN);
  for (int kind = 0; kind < PAIR_KINDS; kind++) {
    make_pair(kind, fd);
    close(fd[1]);
    if (kind == PAIR_TCP) { /* the first write finds the other side gone, the next says so */
      (void)!write(fd[0], &c, 1);
      struct pollfd refused = {.fd = fd[0]};
      CHECK_EQ(poll(&refused, 1, -1), 1);
    }
    errno = 0;
    CHECK_EQ(write(fd[0], &c, 1), -1);
    CHECK(errno == EPIPE || errno == ECONNRESET);
    close(fd[0]);
  }
  int s = socket(AF_INET, SOCK_STREAM, 0), bound = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = own_loopback()};
  socklen_t len = sizeof a;
  CHECK_EQ(bind(bound, (struct sockaddr *)&a, len), 0); /* so nobody listens at its port */
  CHECK_EQ(getsockname(bound, (struct sockaddr *)&a, &len), 0);
  CHECK_FAILS(connect(s, (struct sockaddr *)&a, len), ECONNREFUSED);
  CHECK_EQ(fcntl(s, F_GETFL) & O_NONBLOCK, 0);
  close(s);
  close(bound);
  s = socket(AF_INET, SOCK_STREAM, 0);
  CHECK_FAILS(read(s, &c, 1), ENOTCONN);
  close(s);
  CHECK_FAILS(open("/no/such/file", O_RDONLY), ENOENT);
}

/* errno is the goroutine's, on whatever thread it comes back. */
static void errno_keeper(task *t) {
  char c;
  rng r = rng_for((unsigned long long)t->fd);
  for (int64_t i = 0; i < t->n; i++) {
    int64_t begin = mw_nanotime();
    errno = 0;
    CHECK_EQ(read(t->fd, &c, 1), -1); /* its timeout */
    CHECK_EQ(errno, EAGAIN);
    CHECK(mw_nanotime() > begin);
    errno = (int)(i % 100) + 1;
    mw_sleep(rng_below(&r, 3) * (MS / 4));
    CHECK_EQ(errno, (int)(i % 100) + 1);
    CHECK_EQ(read(-1, &c, 1), -1);
    CHECK_EQ(errno, EBADF);
  }
}

static void errno_migrates(void) {
  for (int i = 0; i < 20; i++) {
    int fd[2];
    make_pair(PAIR_UNIX, fd);
    set_timeout(fd[1], SO_RCVTIMEO, 1 + i % 3);
    go_task(wg, errno_keeper, fd[1], 0, 20);
  }
  mw_waitgroup_wait(wg);
}

/* ---- What an attempt that does not block cannot tell -------------------- */

/* A socket is connected behind connect, and ready for another attempt behind a refusal. */
static void connected(void) {
  uint16_t port;
  int l = listen_tcp(&port), fd = connect_tcp(port);
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = own_loopback()};
  CHECK_FAILS(connect(fd, (struct sockaddr *)&a, sizeof a), EISCONN);
  close(fd);
  CHECK_FAILS(accept4(l, NULL, NULL, 0x1234567), EINVAL);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  int bound = socket(AF_INET, SOCK_STREAM, 0); /* nobody listens at its port */
  struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_addr.s_addr = own_loopback()};
  socklen_t len = sizeof nobody;
  CHECK_EQ(bind(bound, (struct sockaddr *)&nobody, len), 0);
  CHECK_EQ(getsockname(bound, (struct sockaddr *)&nobody, &len), 0);
  CHECK_FAILS(connect(fd, (struct sockaddr *)&nobody, len), ECONNREFUSED);
  CHECK_FAILS(connect(fd, (struct sockaddr *)&nobody, 3), EINVAL);
  CHECK_EQ(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
  close(fd);
  close(bound);
  close(l);
}

/* Its end, although MSG_DONTWAIT says EAGAIN. */
static void datagrams_shut_down(void) {
  char c;
  int fd = socket(AF_INET, SOCK_DGRAM, 0), s[2];
  shutdown(fd, SHUT_RD); /* ENOTCONN, and yet */
  CHECK_EQ(recv(fd, &c, 1, 0), 0);
  struct iovec v = {&c, 1};
  struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
  CHECK_EQ(recvmmsg(fd, &m, 1, 0, NULL), 1);
  close(fd);
  CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
  task *t = go_task(wg, one_reader, s[0], 0, 0);
  let_others_park();
  CHECK_EQ(shutdown(s[0], SHUT_RD), 0);
  mw_waitgroup_wait(wg);
  CHECK_EQ(t->result, 0);
  close(s[0]);
  close(s[1]);
}

/* Without a writer a FIFO is at its end; poll does not say so. */
static void fifo(void) {
  char name[64], c;
  snprintf(name, sizeof name, "/tmp/mallow-fifo.%d", getpid());
  CHECK_EQ(mkfifo(name, 0600), 0);
  int r = open(name, O_RDONLY | O_NONBLOCK);
  CHECK_EQ(read(r, &c, 1), 0);
  int w = open(name, O_WRONLY);
  unlink(name);
  CHECK_FAILS(read(r, &c, 1), EAGAIN);
  CHECK_EQ(fcntl(r, F_SETFL, 0), 0);
  task *t = go_task(wg, one_reader, r, 0, 0);
  let_others_park();
  CHECK_EQ(write(w, "x", 1), 1);
  mw_waitgroup_wait(wg);
  CHECK_EQ(t->result, 1);
  close(w);
  CHECK_EQ(read(r, &c, 1), 0);
  close(r);
}

/* A terminal's own clock. */
static void terminal(void) {
  int m, s;
  char buf[16];
  struct termios t;
  CHECK_EQ(openpty(&m, &s, NULL, NULL, NULL), 0);
  CHECK_EQ(tcgetattr(s, &t), 0);
  CHECK_EQ(write(m, "line\n", 5), 5);
  CHECK_EQ(read(s, buf, sizeof buf), 5);
  cfmakeraw(&t);
  t.c_cc[VMIN] = 0;
  for (int tenths = 0; tenths < 2; tenths++) {
    t.c_cc[VTIME] = (cc_t)tenths;
    CHECK_EQ(tcsetattr(s, TCSANOW, &t), 0);
    CHECK_EQ(read(s, buf, sizeof buf), 0); /* nothing came */
  }
  t.c_cc[VMIN] = 3;
  t.c_cc[VTIME] = 0;
  CHECK_EQ(tcsetattr(s, TCSANOW, &t), 0);
  task *reader = go_task(wg, one_reader, s, 0, 0);
  let_others_park();
  CHECK_EQ(write(m, "abc", 3), 3);
  mw_waitgroup_wait(wg);
  CHECK_EQ(reader->result, 1);
  close(m);
  close(s);
}

/* Vectors that we must not look at, clocks that libc refuses. */
static void refused(void) {
  int s[2];
  char c;
  make_pair(PAIR_UNIX, s);
  struct iovec v = {&c, 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 2000};
  CHECK_FAILS(recvmsg(s[1], &m, 0), EMSGSIZE);
  CHECK_FAILS(sendmsg(s[0], &m, 0), EMSGSIZE);
  struct msghdr *volatile none = NULL;
  CHECK_FAILS(recvmsg(s[1], none, 0), EFAULT);
  struct timespec t = {0, 1};
  CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EINVAL);
  close(s[0]);
  close(s[1]);
}

static const struct check_case cases[] = {
    {"nonblocking", nonblocking},
    {"flag_unseen", flag_unseen},
    {"timeouts", timeouts},
    {"cancelled_deadlines", cancelled_deadlines},
    {"early_close", early_close},
    {"data_then_end", data_then_end},
    {"several_readers", several_readers},
    {"several_writers", several_writers},
    {"several_acceptors", several_acceptors},
    {"urgent", urgent},
    {"low_water", low_water},
    {"errors", errors},
    {"errno_migrates", errno_migrates},
    {"connected", connected},
    {"datagrams_shut_down", datagrams_shut_down},
    {"fifo", fifo},
    {"terminal", terminal},
    {"refused", refused},
};

int main(int argc, char **argv) {
  check_start();
  wg = mw_new(mw_waitgroup);
  return CHECK_CASES(cases, argc, argv);
}
