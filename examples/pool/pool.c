/* SPDX-License-Identifier: MIT */
/*
 * examples/pool/pool.c -- a server that reuses its buffers
 *
 *     pool [REQUESTS]
 *
 * Four goroutines answer requests: each needs a buffer of 8 KB to build its
 * reply in, for as long as the request lasts.  The work is done twice, once
 * with a new buffer for each request and once with buffers from a mw_pool, and
 * the statistics tell what that means for the collector.
 */
#include <mallow.h>

#include <stdio.h>
#include <stdlib.h>

enum { BUFFER = 8192, SERVERS = 4 };

typedef struct request {
  int number;
  mw_chan *reply; /* of unsigned: a checksum of the answer */
} request;

typedef struct server {
  mw_chan *requests; /* of request */
  char *(*get)(void);
  void (*put)(char *);
} server;

/* ---- Two ways to get a buffer ------------------------------------------ */

static char *get_new(void) {
  return mw_alloc_noscan(BUFFER);
}
static void put_nowhere(char *buffer) {
  (void)buffer;
}

static void *make_buffer(void) {
  return mw_alloc_noscan(BUFFER);
}
static mw_pool buffers = {.make = make_buffer};
static char *get_pooled(void) {
  return mw_pool_get(&buffers);
}
static void put_pooled(char *buffer) {
  mw_pool_put(&buffers, buffer);
}

/* ---- The server -------------------------------------------------------- */

static unsigned answer(char *buffer, int number) {
  int n = 0;
  while (n < BUFFER - 64) n += snprintf(buffer + n, 64, "line for request %d\n", number);
  unsigned sum = 0;
  for (int i = 0; i < n; i++) sum = sum * 31 + (unsigned char)buffer[i];
  return sum;
}

static void serve(void *arg) {
  server *s = arg;
  request r;
  while (mw_chan_recv(s->requests, &r)) {
    char *buffer = s->get();
    unsigned sum = answer(buffer, r.number);
    s->put(buffer);
    mw_chan_send(r.reply, sum);
  }
}

static unsigned run(const char *name, char *(*get)(void), void (*put)(char *), int requests) {
  static mw_mem_stats before, after;
  mw_gc();
  mw_read_mem_stats(&before);
  server *s = mw_new(server);
  *s = (server){mw_chan_make(request, SERVERS), get, put};
  for (int i = 0; i < SERVERS; i++) mw_go(serve, s);
  mw_chan *reply = mw_chan_make(unsigned, SERVERS);
  unsigned sum = 0;
  for (int sent = 0, got = 0; got < requests;) {
    request r = {sent, reply};
    unsigned one;
    mw_case cases[] = {mw_case_recv(reply, &one),
                       mw_case_send(sent < requests ? s->requests : NULL, &r)};
    if (mw_select(cases, 2) == 0) {
      sum += one;
      got++;
    } else {
      sent++;
    }
  }
  mw_chan_close(s->requests);
  mw_read_mem_stats(&after);
  uint64_t bytes = after.total_alloc - before.total_alloc;
  uint64_t cycles = after.num_gc - before.num_gc;
  printf("%-12s %d requests, %s allocated, %s\n", name, requests,
         bytes > (uint64_t)requests * BUFFER / 2 ? "a buffer each" : "next to nothing",
         cycles > 10 ? "many collections" : "hardly a collection");
  return sum;
}

int main(int argc, char **argv) {
  int requests = argc > 1 ? atoi(argv[1]) : 20000;
  unsigned a = run("new buffers", get_new, put_nowhere, requests);
  unsigned b = run("pool", get_pooled, put_pooled, requests);
  puts(a == b ? "same answers" : "DIFFERENT ANSWERS");
  return a != b;
}
