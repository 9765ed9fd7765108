/* SPDX-License-Identifier: MIT */
/*
 * http.c -- mw_debug_serve: what is served, what is refused, and rubbish
 */
#include <mallow.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int port;
static char answer[1 << 20];
static size_t answer_bytes;

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "http: %s: %s\n%.300s\n", what, detail, answer);
  exit(1);
}

/*
 * The client closes its half of the connection behind the request.  So the server
 * has nothing to wait for, whatever it was sent: it answers or closes, and a
 * connection that it leaves open is a failure even where no answer is wanted.
 * The client's patience is counted in CPU time, which the goroutine that allocates uses up all
 * the while: a server that is stuck is found out, a machine that is busy is not.  Nor is one with
 * many processors, where collections use that up in no time: so many looks of a second there are
 * anyway.
 */
#define PATIENCE (10 * CLOCKS_PER_SEC)
enum { LOOKS = 20 };
static unsigned requests;

/* Send bytes, read until the end; the status, 0: closed without an answer. */
static int exchange(const char *request, size_t n) {
  requests++;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct timeval look = {.tv_sec = 1};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look);
  clock_t began = clock();
  if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) fail("connect", strerror(errno));
  for (size_t sent = 0; sent < n;) {
    ssize_t r = send(fd, request + sent, n - sent, MSG_NOSIGNAL);
    if (r < 0 && errno == EINTR) continue;
    if (r <= 0) break; /* refused already */
    sent += (size_t)r;
  }
  shutdown(fd, SHUT_WR);
  answer_bytes = 0;
  for (int looks = 0;;) {
    ssize_t r = recv(fd, answer + answer_bytes, sizeof answer - 1 - answer_bytes, 0);
    if (r < 0 && errno == EINTR) continue;
    if (r < 0 && errno == EAGAIN && (looks++ < LOOKS || clock() - began < PATIENCE)) continue;
    if (r < 0 && errno != ECONNRESET) {
      fprintf(stderr, "http: request %u: %s after %zu bytes of answer; sent %zu bytes:\n%.300s\n",
              requests, strerror(errno), answer_bytes, n, request);
      mw_print_goroutines(2);
      exit(1);
    }
    if (r <= 0) break;
    answer_bytes += (size_t)r;
  }
  close(fd);
  answer[answer_bytes] = 0;
  return strncmp(answer, "HTTP/1.", 7) == 0 ? atoi(answer + 9) : 0;
}

static void get(const char *path, int status, const char *part) {
  char request[4096];
  int n = snprintf(request, sizeof request,
                   "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
  int got = exchange(request, (size_t)n);
  if (got != status) fail(path, "status");
  if (part && !strstr(answer, part)) fail(path, part);
}

/* A gzip'ed body. */
static void get_profile(const char *path) {
  get(path, 200, "application/octet-stream");
  const char *body = strstr(answer, "\r\n\r\n");
  if (!body || memcmp(body + 4, "\x1f\x8b", 2) != 0) fail(path, "no gzip");
}

static void expect_errno(const char *addr, int e) {
  int r = mw_debug_serve(addr);
  if (r != -1 || errno != e) fail(addr, "served, or another errno");
}

static volatile bool over;
static void churn(void *done) {
  while (!over) {
    for (int i = 0; i < 1000; i++) mw_alloc(100);
    mw_yield();
  }
  mw_chan_send(done, 1);
}

int main(void) {
  expect_errno("", EINVAL);
  expect_errno("6060", EINVAL);
  expect_errno(":", EINVAL);
  expect_errno(":65536", EINVAL);
  expect_errno(":http", EINVAL);
  expect_errno("example.org:80", EINVAL);
  expect_errno("[::1:80", EINVAL);
  expect_errno("192.0.2.1:0", EADDRNOTAVAIL);
  port = mw_debug_serve(":0");
  if (port < 0 && errno == ENOSYS) {
    puts("http: skipped, libmicrohttpd is not installed");
    return 0;
  }
  if (port <= 0) fail("serve", strerror(errno));
  char same[32];
  snprintf(same, sizeof same, "127.0.0.1:%d", port);
  expect_errno(same, EADDRINUSE);

  mw_chan *done = mw_chan_make(int, 0);
  mw_go(churn, done);

  get("/debug/pprof/", 200, "goroutine?debug=2");
  get("/debug/pprof", 301, "Location: /debug/pprof/");
  get("/debug/pprof/goroutine?debug=1", 200, "goroutine profile: total ");
  get("/debug/pprof/goroutine?debug=2", 200, "goroutine 1 [");
  get("/debug/pprof/heap?debug=1&gc=1", 200, "# HeapAlloc = ");
  get("/debug/pprof/cmdline", 200, "http");
  get("/debug/pprof/symbol?0x10+0x20", 200, "num_symbols: 1");
  get("/debug/vars", 200, "\"memstats\"");
  get_profile("/debug/pprof/heap");
  get_profile("/debug/pprof/allocs?seconds=1");
  get_profile("/debug/pprof/goroutine");
  get_profile("/debug/pprof/threadcreate");
  get_profile("/debug/pprof/block");
  get_profile("/debug/pprof/mutex?debug=0");
  get_profile("/debug/pprof/profile?seconds=1");

  get("/", 404, NULL);
  get("/debug", 404, NULL);
  get("/debug/pprof/heep", 404, NULL);
  get("/debug/pprof/../../etc/passwd", 404, NULL);
  get("/debug/pprof/trace", 404, NULL);
  get("/debug/pprof/heap?debug=yes", 400, NULL);
  get("/debug/pprof/heap?debug=-1", 400, NULL);
  get("/debug/pprof/heap?seconds=1&debug=1", 400, NULL);
  get("/debug/pprof/heap?seconds=99999999999999999999", 400, NULL);
  get("/debug/pprof/profile?seconds=0", 400, NULL);
  get("/debug/pprof/symbol?main", 400, NULL);

  static const char post[] = "POST /debug/vars HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  if (exchange(post, sizeof post - 1) != 405) fail("POST", "status");

  /* rubbish: 4xx */
  static const struct {
    const char *bytes;
    size_t n;
    int status;
  } rubbish[] = {
#define R(text, status) {text, sizeof text - 1, status}
      R("GET\r\n\r\n", 400),
      R("\0\xff\xfe\r\n\r\n", 400),
      R("\r\n\r\n", 400),
      R("GET /\r\n\r\n", 400),
      R("GET  / HTTP/1.1\r\n\r\n", 400),
      R("G(T / HTTP/1.1\r\n\r\n", 400),
      R("GET / HTTX/1.1\r\n\r\n", 400),
      R("GET / HTTP/1.1 \r\n\r\n", 400),
      R("GET /\0 HTTP/1.1\r\n\r\n", 400),
      R("GET /debug/pprof/heap%00 HTTP/1.1\r\n\r\n", 400),
      R("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
      R("GET / HTTP/1.1\r\n: no name\r\n\r\n", 400),
      R("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
      R("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400),
      R("GET / HTTP/1.1\r\nHost: \1\r\n\r\n", 400),
      R("GET /debug/vars HTTP/1.1\r\n\r\n", 400), /* no host */
      R("GET /debug/vars HTTP/1.1\r\nhost: x\r\nHost: x\r\n\r\n", 400),
      R("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
      R("GET /debug/vars HTTP/1.1\r\nhost:\r\nContent-Length: 0\r\ncontent-length:0 \r\n\r\n", 200),
      R("GET /debug/vars HTTP/1.0\r\n\r\n", 200),
      R("GET /debug/vars HTTP/1.0\n\n", 200), /* bare line feeds are read, as RFC 9112 allows */
#undef R
  };
  int status;
  for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++)
    if ((status = exchange(rubbish[i].bytes, rubbish[i].n)) != rubbish[i].status)
      fail(rubbish[i].bytes, "status");
  static char long_request[100000];
  memset(long_request, 'a', sizeof long_request);
  memcpy(long_request, "GET /", 5);
  if (exchange(long_request, sizeof long_request) != 414) fail("a long request", "status");
  memcpy(long_request, "GET / HTTP/1.1\r\nX: ", 19);
  if (exchange(long_request, sizeof long_request) != 431) fail("a long header", "status");
  if (exchange("GET / HT", 8) != 400) fail("a part of a request", "status");
  unsigned seed = 1;
  for (int i = 0; i < 200; i++) {
    static const char sample[] = "GET /debug/pprof/symbol?0x1+0x2 HTTP/1.1\r\nHost: x\r\n\r\n";
    char bytes[sizeof sample];
    memcpy(bytes, sample, sizeof sample);
    for (int k = 0; k < 1 + i % 8; k++)
      bytes[(unsigned)rand_r(&seed) % (sizeof sample - 1)] = (char)rand_r(&seed);
    status = exchange(bytes, sizeof sample - 1);
    if (status != 505 && status / 100 != 4 && status != 200 && status != 0)
      fail("rubbish", "status");
  }
  get("/debug/vars", 200, "\"NumGC\"");

  over = true;
  mw_chan_recv(done, NULL);
  return 0;
}
