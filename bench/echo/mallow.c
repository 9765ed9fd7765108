/* SPDX-License-Identifier: MIT */
/*
 * bench/echo/mallow.c -- an echo server: a goroutine for each connection
 *
 *   mallow PORT        listens on 127.0.0.1, prints a line when it does
 *
 * The load generator speaks HTTP, so a message ends with an empty line, and it
 * comes back as the body of an answer.  The same program in Go: go.go.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <mallow.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"

typedef struct connection {
  int fd;
} connection;

static void serve(void *arg) {
  connection *c = arg;
  char *in = mw_make(char, ROOM), *out = mw_make(char, ROOM + HEAD_ROOM);
  size_t n = 0;
  for (;;) {
    ssize_t got = read(c->fd, in + n, ROOM - n);
    if (got <= 0) break;
    n += (size_t)got;
    char *end;
    while ((end = memmem(in, n, "\r\n\r\n", 4)) != NULL) {
      size_t len = (size_t)(end + 4 - in);
      if (write(c->fd, out, answer_make(out, in, len)) < 0) goto out;
      memmove(in, in + len, n - len);
      n -= len;
    }
    if (n == ROOM) break;
  }
out:
  close(c->fd);
}

int main(int argc, char **argv) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 8081)),
                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 4096) != 0) {
    perror("listen");
    return 1;
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    int s = accept(fd, NULL, NULL);
    if (s < 0) {
      perror("accept");
      return 1;
    }
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* as Go does */
    connection *c = mw_new(connection);
    c->fd = s;
    mw_go(serve, c);
  }
}
