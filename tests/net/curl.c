/* SPDX-License-Identifier: MIT */
/*
 * tests/net/curl.c -- libcurl from Debian, in many goroutines, against a server here
 *
 *   curl [CLIENTS] [REQUESTS]
 *
 * libcurl is external code: it blocks its thread in poll, resolves names on threads
 * of its own, allocates with malloc, and calls back compiled code with the data,
 * which allocates collected objects there.  The server is goroutines.  Meanwhile
 * collections run one after the other.  Each client's body must arrive whole.
 */
#include "net.h"

#include <curl/curl.h>

static uint16_t port;
static mw_waitgroup *wg;
static _Atomic int live_clients;

/* ---- The server -------------------------------------------------------- */

/* GET /SEED/BYTES: that many bytes, which depend on the seed. */
static char byte_at(unsigned seed, size_t i) {
  return (char)('a' + (seed * 7 + i * 3 + i / 100) % 26);
}

static void send_body(int fd, unsigned seed, size_t n) {
  char *head = mw_sprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nX-Seed: %u\r\n\r\n", n, seed);
  CHECK(write(fd, head, strlen(head)) > 0);
  enum { PIECE = 5000 };
  for (size_t i = 0; i < n; i += PIECE) {
    size_t m = n - i < PIECE ? n - i : PIECE;
    char *piece = mw_make(char, m);
    for (size_t k = 0; k < m; k++) piece[k] = byte_at(seed, i + k);
    CHECK_EQ(write(fd, piece, m), m);
  }
}

static void connection(task *t) {
  enum { ROOM = 4096 };
  char *in = mw_make(char, ROOM);
  size_t n = 0;
  for (;;) {
    ssize_t r = read(t->fd, in + n, ROOM - 1 - n);
    if (r <= 0) break;
    n += (size_t)r;
    in[n] = 0;
    char *end;
    while ((end = strstr(in, "\r\n\r\n")) != NULL) {
      unsigned seed;
      size_t bytes;
      CHECK_EQ(sscanf(in, "GET /%u/%zu ", &seed, &bytes), 2);
      send_body(t->fd, seed, bytes);
      n -= (size_t)(end + 4 - in);
      memmove(in, end + 4, n + 1);
    }
  }
  close(t->fd);
}

static void server(task *t) {
  for (;;) {
    int fd = accept(t->fd, NULL, NULL);
    if (fd < 0) break; /* closed at the end */
    go_task(t->wg, connection, fd, 0, 0);
  }
  CHECK_EQ(errno, EBADF);
}

/* ---- The clients ------------------------------------------------------- */

typedef struct piece {
  struct piece *next;
  size_t n;
  char *bytes;
} piece;

typedef struct body {
  piece *first, *last;
  size_t n;
} body;

/* Called by libcurl: the collected list grows inside external code. */
static size_t on_data(char *data, size_t size, size_t count, void *arg) {
  body *b = arg;
  piece *p = mw_new(piece);
  p->n = size * count;
  p->bytes = mw_make(char, p->n);
  memcpy(p->bytes, data, p->n);
  if (b->last)
    b->last->next = p;
  else
    b->first = p;
  b->last = p;
  b->n += p->n;
  return p->n;
}

static void check_body(const body *b, unsigned seed, size_t bytes) {
  CHECK_EQ(b->n, bytes);
  size_t i = 0;
  for (const piece *p = b->first; p; p = p->next)
    for (size_t k = 0; k < p->n; k++) CHECK_EQ(p->bytes[k], byte_at(seed, i++));
  CHECK_EQ(i, bytes);
}

static void client(task *t) {
  rng r = rng_for((unsigned long long)t->other);
  CURL *c = curl_easy_init();
  CHECK(c != NULL);
  for (int64_t i = 0; i < t->n; i++) {
    unsigned seed = (unsigned)rng_below(&r, 1000);
    size_t bytes = rng_below(&r, 60000);
    body *b = mw_new(body);
    mw_handle h = mw_handle_new(b); /* libcurl keeps the pointer where nobody looks */
    curl_easy_setopt(c, CURLOPT_URL, mw_sprintf("http://localhost:%u/%u/%zu", port, seed, bytes));
    curl_easy_setopt(c, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, b);
    if (i % 4 == 3) curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
    CURLcode e = curl_easy_perform(c);
    if (e != CURLE_OK) fprintf(stderr, "curl: %s\n", curl_easy_strerror(e));
    CHECK_EQ(e, CURLE_OK);
    check_body(mw_handle_get(h), seed, bytes);
    mw_handle_free(h);
  }
  curl_easy_cleanup(c);
  live_clients--;
}

static void collector(task *t) {
  (void)t;
  while (live_clients > 0) {
    mw_gc();
    mw_yield();
  }
}

int main(int argc, char **argv) {
  check_start();
  int clients = (int)arg_or(argc, argv, 1, 20);
  int64_t requests = arg_or(argc, argv, 2, 12);
  CHECK_EQ(curl_global_init(CURL_GLOBAL_ALL), 0);
  wg = mw_new(mw_waitgroup);
  mw_waitgroup *server_wg = mw_new(mw_waitgroup);
  int l = listen_at(htonl(INADDR_LOOPBACK), &port);
  go_task(server_wg, server, l, 0, 0);
  live_clients = clients;
  for (int i = 0; i < clients; i++) go_task(wg, client, 0, i, requests);
  go_task(wg, collector, 0, 0, 0);
  mw_waitgroup_wait(wg);
  close(l);
  mw_waitgroup_wait(server_wg); /* every connection ended with its client's */
  curl_global_cleanup();
  puts("ok");
  return 0;
}
