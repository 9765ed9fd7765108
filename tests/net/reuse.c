/* SPDX-License-Identifier: MIT */
/*
 * tests/net/reuse.c -- numbers live many short lives, and no wake-up is lost
 *
 *   reuse [ROUNDS]
 *
 * Descriptors are made, waited for, and closed by whoever comes first, all the
 * time, by many goroutines: a number that is closed, under a reader or not, is
 * another file's a moment later.  A reader gets its own bytes or EBADF, and never
 * hangs.
 * Goroutines that bounce a byte between them leave no slack in which a lost
 * wake-up could go unseen: nobody else would wake them.
 */
#include "net.h"

static mw_waitgroup *wg;

/* ---- Closed under the reader ------------------------------------------- */

typedef struct shared {
  int fd[2];
  unsigned char tag;
  mw_waitgroup left;
} shared;

static void victim(void *arg) {
  shared *s = arg;
  unsigned char buf[16];
  ssize_t n = read(s->fd[1], buf, sizeof buf);
  if (n < 0) CHECK_EQ(errno, EBADF);
  for (ssize_t i = 0; i < n; i++) CHECK_EQ(buf[i], s->tag);
  mw_waitgroup_done(&s->left);
}

static void round_trip(task *t) {
  rng r = rng_for((unsigned long long)t->other);
  for (int64_t i = 0; i < t->n; i++) {
    shared *s = mw_new(shared);
    make_pair((enum pair_kind)rng_below(&r, PAIR_KINDS), s->fd);
    s->tag = (unsigned char)(t->other * 31 + i);
    mw_waitgroup_add(&s->left, 1);
    mw_go(victim, s);
    for (unsigned k = rng_below(&r, 4); k > 0; k--) mw_yield();
    bool feed = rng_below(&r, 2);
    if (feed) CHECK_EQ(write(s->fd[0], &s->tag, 1), 1);
    if (feed || rng_below(&r, 2)) {
      /* it has a byte coming, or the end */
      close(s->fd[0]);
      mw_waitgroup_wait(&s->left);
      close(s->fd[1]);
    } else {
      /* Closed, but the number stays ours: a read that begins only now meets the
       * end of /dev/null, not somebody else's bytes. */
      if (rng_below(&r, 2)) mw_sleep(MS / 10);
      int null = open("/dev/null", O_RDONLY);
      CHECK_EQ(dup2(null, s->fd[1]), s->fd[1]);
      mw_waitgroup_wait(&s->left);
      close(s->fd[1]);
      close(null);
      close(s->fd[0]);
    }
  }
}

/* ---- No slack ---------------------------------------------------------- */

static void bounce(task *t) {
  unsigned char c;
  for (int64_t i = 0; i < t->n; i++) {
    CHECK_EQ(read(t->fd, &c, 1), 1);
    CHECK_EQ(c, (unsigned char)i);
    CHECK_EQ(write(t->other, &c, 1), 1);
  }
}

static void serve(task *t) {
  unsigned char c;
  for (int64_t i = 0; i < t->n; i++) {
    c = (unsigned char)i;
    CHECK_EQ(write(t->other, &c, 1), 1);
    CHECK_EQ(read(t->fd, &c, 1), 1);
    CHECK_EQ(c, (unsigned char)i);
  }
}

int main(int argc, char **argv) {
  check_start();
  int64_t rounds = arg_or(argc, argv, 1, 150);
  wg = mw_new(mw_waitgroup);
  for (int i = 0; i < 12; i++) go_task(wg, round_trip, 0, i, rounds);
  mw_waitgroup_wait(wg);
  for (int pairs = 1; pairs <= 4; pairs++) {
    for (int i = 0; i < pairs; i++) {
      int a[2], b[2];
      make_pair(i % 3, a);
      make_pair((i + pairs) % 3, b);
      go_task(wg, bounce, a[1], b[0], rounds * 10);
      go_task(wg, serve, b[1], a[0], rounds * 10);
    }
    mw_waitgroup_wait(wg);
  }
  puts("ok");
  return 0;
}
