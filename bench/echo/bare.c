/* SPDX-License-Identifier: MIT */
/*
 * bench/echo/bare.c -- the echo server's floor: no goroutines, what the kernel asks for
 *
 *   bare PORT [homes]    listens on 127.0.0.1, prints a line when it does
 *
 * Two threads, connections dealt out in turn; for an answer one recv and one send, and
 * never a recv that finds nothing.  What this takes, no server on sockets goes below;
 * the answers are mallow.c's.
 *
 *   without    an epoll set for each thread, level triggered
 *   homes      an epoll set for each CPU, edge triggered.  A connection moves to that of the
 *              CPU where its packets arrive; a thread asks the set of the CPU it is on, and
 *              others only when nobody has for a millisecond.  Before that it yields.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"

enum { THREADS = 2, EVENTS = 128, LOOK = 16, FDS = 65536 };
enum { PATIENCE_NS = 1000000, WAIT_NS = 1000000 };

/* A whole request a time: the load generator sends the next one after the answer. */
static int answer(int fd) {
  char in[ROOM], out[ROOM + HEAD_ROOM];
  ssize_t got = recv(fd, in, sizeof in, 0);
  if (got <= 0 || memmem(in, (size_t)got, "\r\n\r\n", 4) == NULL) return -1;
  return send(fd, out, answer_make(out, in, (size_t)got), MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static void *serve(void *arg) {
  int set = *(int *)arg;
  struct epoll_event events[EVENTS];
  for (;;) {
    int n = epoll_wait(set, events, EVENTS, -1);
    for (int i = 0; i < n; i++)
      if (answer(events[i].data.fd) != 0) close(events[i].data.fd);
  }
}

/* ---- Homes: a set for each CPU, modulo THREADS ---- */

static int homes[THREADS];
static _Atomic int64_t asked[THREADS];
static unsigned char home[FDS], turns[FDS]; /* whoever has an edge in hand */

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void add(int set, int fd) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
}

static void look(int fd) {
  int cpu = 0;
  socklen_t len = sizeof cpu;
  getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &len);
  int k = cpu < 0 ? 0 : cpu % THREADS;
  if (k == home[fd]) return;
  epoll_ctl(homes[home[fd]], EPOLL_CTL_DEL, fd, NULL);
  home[fd] = (unsigned char)k;
  add(homes[k], fd);
}

static int ask(int k) {
  struct epoll_event events[EVENTS];
  asked[k] = now_ns();
  int n = epoll_wait(homes[k], events, EVENTS, 0);
  for (int i = 0; i < n; i++) {
    int fd = events[i].data.fd;
    if (answer(fd) != 0)
      close(fd);
    else if (++turns[fd] % LOOK == 0)
      look(fd);
  }
  return n;
}

static void *serve_home(void *unused) {
  for (;;) {
    int k = sched_getcpu() % THREADS, n = ask(k);
    if (n == 0) {
      sched_yield();
      n = ask(k = sched_getcpu() % THREADS);
    }
    for (int j = 0; j < THREADS; j++)
      if (j != k && now_ns() - asked[j] > PATIENCE_NS) n += ask(j);
    struct pollfd p = {.fd = homes[k], .events = POLLIN};
    if (n == 0) ppoll(&p, 1, &(struct timespec){.tv_nsec = WAIT_NS}, NULL);
  }
  return unused;
}

int main(int argc, char **argv) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, sets[THREADS];
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 8081)),
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 4096) != 0) {
    perror("listen");
    return 1;
  }
  bool at_home = argc > 2 && strcmp(argv[2], "homes") == 0;
  for (int i = 0; i < THREADS; i++) sets[i] = homes[i] = epoll_create1(0);
  for (int i = 0; i < THREADS; i++) {
    pthread_t t;
    if (sets[i] < 0 || pthread_create(&t, NULL, at_home ? serve_home : serve, &sets[i]) != 0) {
      perror("thread");
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  for (int n = 0;; n++) {
    int s = accept(fd, NULL, NULL);
    if (s < 0 || s >= FDS) {
      perror("accept");
      return 1;
    }
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (at_home) {
      home[s] = (unsigned char)(n % THREADS);
      add(homes[n % THREADS], s);
      continue;
    }
    struct epoll_event e = {.events = EPOLLIN, .data.fd = s};
    epoll_ctl(sets[n % THREADS], EPOLL_CTL_ADD, s, &e);
  }
}
