/* SPDX-License-Identifier: MIT */
/*
 * tests/net/deadlines.c -- SO_RCVTIMEO for several readers, and beside a close
 *
 *   deadlines [ROUNDS]
 *
 * Several goroutines are the first to read a socket of which only the kernel knows the timeout:
 * each of them has to learn it [LC2]. A close that comes as the time of a read is over ends that
 * read, or nothing: not what its goroutine reads next, from another descriptor [NP4].  (The variant
 * "check" asserts what makes it so.)
 */
#include "net.h"

enum { READERS = 4, PAIRS = 10, WAIT_MS = 2, FIRST_OWN = 200 };
static const struct timeval soon = {.tv_usec = WAIT_MS * 1000};

/* ---- Together ---------------------------------------------------------- */

typedef struct several {
  int fd[2];
  _Atomic int go, over;
} several;

static void reader(void *arg) {
  several *s = arg;
  char c;
  while (!s->go) mw_yield();
  CHECK_FAILS(recv(s->fd[0], &c, 1, 0), EAGAIN);
  s->over++;
}

static void together(void) {
  several *s = mw_new(several);
  CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s->fd), 0);
  CHECK_EQ(setsockopt(s->fd[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
  for (int i = 0; i < READERS; i++) mw_go(reader, s);
  mw_sleep(MS / 10);
  s->go = 1;
  while (s->over < READERS) mw_sleep(WAIT_MS * MS / 2); /* all of them: ctest's limit tells */
  close(s->fd[0]);
  close(s->fd[1]);
}

/* ---- A late close ------------------------------------------------------ */

typedef struct late {
  int a[2], b[2], turn; /* a[0]: a number that is nobody else's, also once it is closed */
  mw_waitgroup others;
} late;

static void closer(void *arg) {
  late *l = arg;
  mw_sleep(WAIT_MS * MS + (l->turn * 7919 % 60 - 10) * MS / 1000);
  close(l->a[0]);
  mw_waitgroup_done(&l->others);
}

static void writer(void *arg) {
  late *l = arg;
  mw_sleep(2 * WAIT_MS * MS);
  CHECK_EQ(write(l->b[1], "x", 1), 1);
  mw_waitgroup_done(&l->others);
}

static int rounds;
static mw_waitgroup *all;

/* A read that begins behind its close must not find what another pair has made meanwhile, which has
 * the lowest number that is free. */
static void late_closes(void *own) {
  for (int i = 0; i < rounds; i++) {
    late *l = mw_new(late);
    char c;
    l->turn = i;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, l->a), 0);
    int lowest = l->a[0];
    l->a[0] = fcntl(lowest, F_DUPFD, (int)(intptr_t)own);
    CHECK_EQ(l->a[0], (intptr_t)own);
    CHECK_EQ(close(lowest), 0);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, l->b), 0);
    CHECK_EQ(setsockopt(l->a[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    mw_waitgroup_add(&l->others, 2);
    mw_go(closer, l);
    mw_go(writer, l);
    errno = 0;
    CHECK_EQ(read(l->a[0], &c, 1), -1);
    CHECK(errno == EAGAIN || errno == EBADF);
    CHECK_EQ(read(l->b[0], &c, 1), 1);
    mw_waitgroup_wait(&l->others);
    close(l->a[1]);
    close(l->b[0]);
    close(l->b[1]);
  }
  mw_waitgroup_done(all);
}

int main(int argc, char **argv) {
  rounds = argc > 1 ? atoi(argv[1]) : 50;
  for (int i = 0; i < rounds; i++) together();
  all = mw_new(mw_waitgroup);
  mw_waitgroup_add(all, PAIRS);
  for (intptr_t i = 0; i < PAIRS; i++) mw_go(late_closes, (void *)(FIRST_OWN + i));
  mw_waitgroup_wait(all);
  printf("ok\n");
  return 0;
}
