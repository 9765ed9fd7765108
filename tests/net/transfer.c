/* SPDX-License-Identifier: MIT */
/*
 * tests/net/transfer.c -- all bytes arrive, once, in order, through every call
 *
 *   transfer [KILOBYTES]
 *
 * Each kind of pair carries a stream of known bytes, sent in one call that has to
 * block many times, or in pieces; received in pieces of random size.  All pairs at
 * once, and messages on the side.
 */
#define _GNU_SOURCE 1
#include "net.h"

#include <sys/eventfd.h>
#include <sys/uio.h>

enum { WRITE, WRITEV, SEND, SENDMSG, PIECES, SENDERS };
enum { READ, READV, RECV, RECVMSG, WAITALL, PEEK, RECEIVERS };

static unsigned char byte_at(int64_t i) {
  return (unsigned char)(i * 7 + (i >> 8) * 13 + (i >> 16));
}

static void send_some(int fd, char *buf, size_t n, int how) {
  struct iovec v[3] = {{buf, n / 3}, {buf + n / 3, n / 3}, {buf + n / 3 * 2, n - n / 3 * 2}};
  struct msghdr msg = {.msg_iov = v, .msg_iovlen = 3};
  ssize_t r = -1;
  switch (how) {
  case WRITE:
    r = write(fd, buf, n);
    break;
  case WRITEV:
    r = writev(fd, v, 3);
    break;
  case SEND:
    r = send(fd, buf, n, 0);
    break;
  case SENDMSG:
    r = sendmsg(fd, &msg, 0);
    break;
  default:
    for (size_t i = 0; i < n; i += 1000) {
      size_t m = n - i < 1000 ? n - i : 1000;
      CHECK_EQ(write(fd, buf + i, m), m);
    }
    return;
  }
  CHECK_EQ(r, n); /* a blocking call sends all */
}

static void sender(task *t) {
  char *buf = mw_make(char, (size_t)t->n);
  for (int64_t i = 0; i < t->n; i++) buf[i] = (char)byte_at(i);
  send_some(t->fd, buf, (size_t)t->n, t->other);
  CHECK_EQ(close(t->fd), 0);
}

static ssize_t receive_some(int fd, char *buf, size_t n, int how, rng *r) {
  size_t a = rng_below(r, (unsigned)n + 1);
  struct iovec v[2] = {{buf, a}, {buf + a, n - a}};
  struct msghdr msg = {.msg_iov = v, .msg_iovlen = 2};
  ssize_t got;
  switch (how) {
  case READV:
    return readv(fd, v, 2);
  case RECV:
    return recv(fd, buf, n, 0);
  case RECVMSG:
    return recvmsg(fd, &msg, 0);
  case WAITALL:
    return recv(fd, buf, n, MSG_WAITALL);
  case PEEK:
    got = recv(fd, buf, n, MSG_PEEK);
    if (got <= 0) return got;
    CHECK_EQ(recv(fd, buf, (size_t)got, 0), got); /* what was seen is there */
    return got;
  default:
    return read(fd, buf, n);
  }
}

static void receiver(task *t) {
  enum { ROOM = 20000 };
  char *buf = mw_make(char, ROOM);
  rng r = rng_for((unsigned long long)t->fd);
  int64_t at = 0;
  for (;;) {
    size_t want = 1 + rng_below(&r, ROOM);
    ssize_t n = receive_some(t->fd, buf, want, t->other, &r);
    CHECK(n >= 0);
    if (n == 0) break;
    if (t->other == WAITALL) CHECK(n == (ssize_t)want || at + n == t->n);
    for (ssize_t i = 0; i < n; i++) CHECK_EQ((unsigned char)buf[i], byte_at(at + i));
    at += n;
  }
  CHECK_EQ(at, t->n);
  CHECK_EQ(close(t->fd), 0);
}

/* Bounced both ways: the common pattern, nothing may be lost in it. */
static void echo(task *t) {
  char buf[300];
  ssize_t n;
  while ((n = read(t->fd, buf, sizeof buf)) > 0) CHECK_EQ(write(t->fd, buf, (size_t)n), n);
  CHECK_EQ(n, 0);
  close(t->fd);
}

static void bouncer(task *t) {
  rng r = rng_for((unsigned long long)t->fd + 1000);
  char out[300], in[300];
  for (int64_t i = 0; i < t->n; i++) {
    size_t n = 1 + rng_below(&r, sizeof out);
    memset(out, (int)i, n);
    CHECK_EQ(write(t->fd, out, n), n);
    read_all(t->fd, in, n);
    CHECK(memcmp(in, out, n) == 0);
  }
  close(t->fd);
}

/* ---- Messages ---------------------------------------------------------- */

static void udp_reader(task *t) {
  for (int64_t i = 0; i < t->n; i++) {
    char buf[64];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(t->fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len);
    CHECK_EQ(n, 1 + i % 50);
    CHECK_EQ(len, sizeof from);
    CHECK_EQ(from.sin_family, AF_INET);
    CHECK_EQ(sendto(t->fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len), n);
  }
}

static void udp(mw_waitgroup *wg) {
  int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = own_loopback()};
  socklen_t len = sizeof addr;
  CHECK_EQ(bind(a, (struct sockaddr *)&addr, len), 0);
  CHECK_EQ(getsockname(a, (struct sockaddr *)&addr, &len), 0);
  CHECK_EQ(connect(b, (struct sockaddr *)&addr, len), 0);
  go_task(wg, udp_reader, a, 0, 200);
  for (int i = 0; i < 200; i++) {
    char buf[64] = {0}, in[64];
    CHECK_EQ(send(b, buf, 1 + (size_t)i % 50, 0), 1 + i % 50);
    CHECK_EQ(recv(b, in, sizeof in, 0), 1 + i % 50);
  }
  mw_waitgroup_wait(wg);
  close(a);
  close(b);
}

static void many_messages(task *t) {
  enum { EACH = 4 };
  int64_t got = 0;
  while (got < t->n) {
    char buf[EACH][8];
    struct iovec v[EACH];
    struct mmsghdr m[EACH] = {0};
    for (int i = 0; i < EACH; i++) {
      v[i] = (struct iovec){buf[i], 8};
      m[i].msg_hdr.msg_iov = &v[i];
      m[i].msg_hdr.msg_iovlen = 1;
    }
    int n = recvmmsg(t->fd, m, EACH, t->other ? MSG_WAITFORONE : 0, NULL);
    CHECK(n > 0);
    if (!t->other) CHECK_EQ(n, EACH);
    for (int i = 0; i < n; i++) {
      CHECK_EQ(m[i].msg_len, 8);
      int64_t k;
      memcpy(&k, buf[i], 8);
      CHECK_EQ(k, got++);
    }
  }
  CHECK_EQ(got, t->n);
}

static void seqpacket(mw_waitgroup *wg) {
  for (int wait_for_one = 0; wait_for_one < 2; wait_for_one++) {
    int fd[2];
    CHECK_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    go_task(wg, many_messages, fd[1], wait_for_one, 800);
    int64_t k = 0;
    for (; k < 400; k++) CHECK_EQ(write(fd[0], &k, 8), 8);
    while (k < 800) {
      int64_t value[8];
      struct iovec v[8];
      struct mmsghdr m[8] = {0};
      for (int i = 0; i < 8; i++) {
        value[i] = k + i;
        v[i] = (struct iovec){&value[i], 8};
        m[i].msg_hdr.msg_iov = &v[i];
        m[i].msg_hdr.msg_iovlen = 1;
      }
      CHECK_EQ(sendmmsg(fd[0], m, 8, 0), 8);
      k += 8;
    }
    mw_waitgroup_wait(wg);
    close(fd[0]);
    close(fd[1]);
  }
}

/* A descriptor travels through a socket while the receiver is parked. */
static void fd_receiver(task *t) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec v = {&byte, 1};
  struct msghdr msg = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  CHECK_EQ(recvmsg(t->fd, &msg, 0), 1);
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  CHECK(c != NULL && c->cmsg_type == SCM_RIGHTS);
  int got;
  memcpy(&got, CMSG_DATA(c), sizeof got);
  char word[5];
  read_all(got, word, 5);
  CHECK(memcmp(word, "hello", 5) == 0);
  close(got);
}

static void rights(mw_waitgroup *wg) {
  int s[2], p[2];
  CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
  CHECK_EQ(pipe(p), 0);
  go_task(wg, fd_receiver, s[1], 0, 0);
  let_others_park();
  char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec v = {&byte, 1};
  struct msghdr msg = {
      .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &p[0], sizeof(int));
  CHECK_EQ(sendmsg(s[0], &msg, 0), 1);
  close(p[0]);
  let_others_park();
  CHECK_EQ(write(p[1], "hello", 5), 5);
  mw_waitgroup_wait(wg);
  close(p[1]);
  close(s[0]);
  close(s[1]);
}

static void event_reader(task *t) {
  for (int64_t i = 0; i < t->n; i++) {
    uint64_t v;
    CHECK_EQ(read(t->fd, &v, sizeof v), 8);
    CHECK_EQ(v, 1);
  }
}

static void eventfds(mw_waitgroup *wg) {
  int fd = eventfd(0, EFD_SEMAPHORE);
  go_task(wg, event_reader, fd, 0, 100);
  go_task(wg, event_reader, fd, 0, 100);
  for (uint64_t i = 0, one = 1; i < 200; i++) CHECK_EQ(write(fd, &one, sizeof one), 8);
  mw_waitgroup_wait(wg);
  uint64_t v = 0;
  CHECK_FAILS(write(fd, &v, 3), EINVAL);
  close(fd);
}

int main(int argc, char **argv) {
  check_start();
  int64_t bytes = arg_or(argc, argv, 1, 300) * 1024;
  mw_waitgroup *wg = mw_new(mw_waitgroup);
  for (int kind = 0; kind < PAIR_KINDS; kind++)
    for (int s = 0; s < SENDERS; s++)
      for (int r = 0; r < RECEIVERS; r++) {
        bool socket = kind != PAIR_PIPE;
        if (!socket && (s == SEND || s == SENDMSG || r >= RECV)) continue;
        int fd[2];
        make_pair(kind, fd);
        go_task(wg, receiver, fd[1], r, bytes);
        go_task(wg, sender, fd[0], s, bytes);
      }
  mw_waitgroup_wait(wg);
  for (int i = 0; i < 20; i++) {
    int fd[2];
    make_pair(i % 2 ? PAIR_TCP : PAIR_UNIX, fd);
    go_task(wg, echo, fd[1], 0, 0);
    go_task(wg, bouncer, fd[0], 0, bytes / 1024);
  }
  mw_waitgroup_wait(wg);
  udp(wg);
  seqpacket(wg);
  rights(wg);
  eventfds(wg);
  puts("ok");
  return 0;
}
