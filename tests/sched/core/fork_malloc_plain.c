/* SPDX-License-Identifier: MIT */
/* tests/sched/core/fork_malloc_plain.c -- see fork_malloc_plain.h */
#define _GNU_SOURCE 1
#include "fork_malloc_plain.h"

#include <netdb.h>
#include <stdlib.h>

_Atomic long plain_calls;

void plain_memory(void) {
  enum { PIECES = 40 };
  static void *volatile piece[PIECES];
  for (int i = 0; i < 4000; i++) {
    int at = rand() % PIECES;
    free(piece[at]);
    piece[at] = malloc((size_t)(2000 + rand() % 60000)); /* too large for a thread's own cache */
  }
}

int getnameinfo(const struct sockaddr *restrict addr, socklen_t len, char *restrict host,
                socklen_t host_room, char *restrict service, socklen_t service_room, int flags) {
  (void)addr, (void)len, (void)host, (void)host_room, (void)service, (void)service_room,
      (void)flags;
  plain_memory();
  plain_calls++;
  return 0;
}
