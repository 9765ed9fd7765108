/* SPDX-License-Identifier: MIT */
/*
 * tests/net/numbers.c -- descriptors' numbers go to and fro between goroutines and plain threads
 *
 *   numbers [ROUNDS]
 *
 * Plain threads serve (numbers_plain.c): they accept, read, write and close where netpoll sees
 * the close only, and make and close pipes besides.  Goroutines are the clients.
 * So a number is a goroutine's socket, a moment later a connection or a pipe of the
 * server's, and again a goroutine's.  Each request gets its answer; a wake-up that is lost
 * shows as the time limit.
 */
#include "net.h"

#include "numbers_plain.h"

static mw_waitgroup *wg;
static uint16_t port;

/* The server says how many bytes it got before the end. */
static void client(task *t) {
  rng r = rng_for((unsigned long long)t->other);
  static const char bytes[4096];
  for (int64_t i = 0; i < t->n; i++) {
    size_t n = rng_below(&r, sizeof bytes);
    int fd = connect_tcp(port);
    if (n) CHECK_EQ(send(fd, bytes, n, 0), n);
    if (rng_below(&r, 4) == 0) mw_sleep(MS / 10); /* the server waits, too */
    CHECK_EQ(shutdown(fd, SHUT_WR), 0);
    char answer[32];
    size_t got = 0;
    ssize_t k;
    while ((k = recv(fd, answer + got, sizeof answer - 1 - got, 0)) > 0) got += (size_t)k;
    CHECK_EQ(k, 0);
    answer[got] = 0;
    CHECK_EQ(atoi(answer), n);
    CHECK_EQ(close(fd), 0);
    t->result++;
  }
}

/* Pairs of their own beside, so that a number changes its kind. */
static void pairs(task *t) {
  rng r = rng_for((unsigned long long)t->other + 100);
  for (int64_t i = 0; i < t->n; i++) {
    int fd[2];
    char c = 0;
    make_pair((enum pair_kind)rng_below(&r, PAIR_KINDS), fd);
    CHECK_EQ(write(fd[0], "x", 1), 1);
    CHECK_EQ(read(fd[1], &c, 1), 1);
    CHECK_EQ(c, 'x');
    close(fd[0]);
    CHECK_EQ(read(fd[1], &c, 1), 0);
    close(fd[1]);
    mw_yield();
  }
}

int main(int argc, char **argv) {
  check_start();
  int64_t rounds = arg_or(argc, argv, 1, 250);
  wg = mw_new(mw_waitgroup);
  int l = listen_tcp(&port);
  numbers_serve(l, 3);
  task *c[4];
  for (int i = 0; i < 4; i++) c[i] = go_task(wg, client, 0, i, rounds);
  for (int i = 0; i < 2; i++) go_task(wg, pairs, 0, i, rounds);
  mw_waitgroup_wait(wg);
  for (int i = 0; i < 4; i++) CHECK_EQ(c[i]->result, rounds);
  CHECK_EQ(numbers_served(), 4 * rounds);
  puts("ok");
  return 0;
}
