/* SPDX-License-Identifier: MIT */
/*
 * bench/echo/bare.c -- the echo server's floor: no goroutines, what the kernel asks for
 *
 *   bare PORT        listens on 127.0.0.1, prints a line when it does
 *
 * Two threads with an epoll set each, connections dealt out in turn; for an
 * answer one recv and one send, and never a recv that finds nothing.  What
 * this takes, no server on sockets goes below; the answers are mallow.c's.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"

enum { THREADS = 2, EVENTS = 128 };

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
  for (int i = 0; i < THREADS; i++) {
    pthread_t t;
    sets[i] = epoll_create1(0);
    if (sets[i] < 0 || pthread_create(&t, NULL, serve, &sets[i]) != 0) {
      perror("thread");
      return 1;
    }
  }
  puts("ready");
  fflush(stdout);
  for (int n = 0;; n++) {
    int s = accept(fd, NULL, NULL);
    if (s < 0) {
      perror("accept");
      return 1;
    }
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = s};
    epoll_ctl(sets[n % THREADS], EPOLL_CTL_ADD, s, &e);
  }
}
