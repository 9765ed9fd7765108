/* SPDX-License-Identifier: MIT */
/*
 * tests/pprof/http_hostile.c -- clients of mw_debug_serve that mean harm
 *
 *     http_hostile CASE
 *
 *   halves     a hundred connections that send half a head and wait: others are answered [HT5]
 *   crowd      ten thousand connections come and go
 *   readers    answers that nobody reads: the program goes on, and so does the server afterwards
 *   leavers    connections are closed in the middle of a profile that takes a second
 *   pipeline   requests behind each other: one answer
 *
 * Meanwhile a goroutine allocates, and collections are to end.  Afterwards the server answers, and
 * has closed its sockets and answers.  What is waited for is a state; only ctest's limit ends a
 * wait.
 */
#define _GNU_SOURCE 1
#include <mallow.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(x)                                                                                   \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      fprintf(stderr, "http_hostile.c:%d: failed: %s (%s)\n", __LINE__, #x, strerror(errno));      \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static int port;
static char answer[65536];

static int dial(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0), r;
  CHECK(fd >= 0);
  while ((r = connect(fd, (struct sockaddr *)&a, sizeof a)) != 0 && errno == EINTR) {
  }
  CHECK(r == 0);
  return fd;
}

static void say(int fd, const char *text) {
  (void)send(fd, text, strlen(text), MSG_NOSIGNAL); /* refused already, perhaps */
}

/* Its beginning, in `answer`; the status, 0: closed without one. */
static int hear(int fd) {
  size_t n = 0;
  static char rest[65536];
  for (;;) {
    bool room = n < sizeof answer - 1;
    ssize_t r = recv(fd, room ? answer + n : rest, room ? sizeof answer - 1 - n : sizeof rest, 0);
    if (r < 0 && errno == EINTR) continue;
    if (r <= 0) break;
    if (room) n += (size_t)r;
  }
  answer[n] = 0;
  close(fd);
  return strncmp(answer, "HTTP/1.", 7) == 0 ? atoi(answer + 9) : 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
static int get_vars(void) {
  int fd = dial();
  say(fd, GET("/debug/vars"));
  return hear(fd);
}

/* The server's: what a profile looks for names in stays open. */
static int descriptors(void) {
  DIR *d = opendir("/proc/self/fd");
  CHECK(d);
  int n = 0;
  for (struct dirent *e; (e = readdir(d));) {
    char to[64] = "";
    if (readlinkat(dirfd(d), e->d_name, to, sizeof to - 1) <= 0) continue;
    n += strncmp(to, "socket:", 7) == 0 || strncmp(to, "/memfd:", 7) == 0;
  }
  closedir(d);
  return n;
}

static void halves(void) {
  enum { N = 100 };
  int fd[N];
  for (int i = 0; i < N; i++) {
    fd[i] = dial();
    say(fd[i], i % 3 == 0   ? ""
               : i % 3 == 1 ? "GET /debug/vars HT"
                            : "GET / HTTP/1.1\r\nHost: x\r\n");
    if (i % 25 == 24) CHECK(get_vars() == 200);
  }
  for (int i = 0; i < 5; i++) CHECK(get_vars() == 200);
  for (int i = 0; i < N; i++) close(fd[i]);
}

static void crowd(void) {
  enum { N = 10000, AT_A_TIME = 100 };
  int fd[AT_A_TIME];
  struct linger reset = {.l_onoff = 1};
  for (int i = 0; i < N; i++) {
    int k = i % AT_A_TIME;
    if (i >= AT_A_TIME) close(fd[k]);
    /* without waiting for a place in the queue: most are gone before they are seen */
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd[k] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK(fd[k] >= 0);
    (void)connect(fd[k], (struct sockaddr *)&a, sizeof a);
    if (i % 2) say(fd[k], i % 4 == 1 ? GET("/debug/vars") : "\r\n\r\n");
    if (i % 5 == 0) setsockopt(fd[k], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  for (int k = 0; k < AT_A_TIME; k++) close(fd[k]);
}

static void readers(void) {
  enum { N = 40 };
  int fd[N], little = 1;
  for (int i = 0; i < N; i++) {
    fd[i] = dial();
    setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    say(fd[i], i % 2 ? GET("/debug/pprof/goroutine?debug=2") : GET("/debug/pprof/heap?debug=1"));
  }
  for (int i = 0; i < 3; i++) mw_gc();
  for (int i = 0; i < N; i++) close(fd[i]);
}

static void leavers(void) {
  static const char *const path[] = {GET("/debug/pprof/profile?seconds=1"),
                                     GET("/debug/pprof/heap?seconds=1"),
                                     GET("/debug/pprof/block?seconds=1")};
  for (int i = 0; i < 12; i++) {
    int fd = dial();
    say(fd, path[i % 3]);
    if (i % 2) mw_sleep(20000000); /* it may have begun, or not */
    struct linger reset = {.l_onoff = i % 4 > 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
  }
  int out = open("/dev/null", O_WRONLY);
  while (mw_pprof_start_cpu(out) != 0) { /* theirs ends */
    CHECK(errno == EBUSY);
    mw_sleep(10000000);
  }
  CHECK(mw_pprof_stop_cpu() == 0);
  close(out);
}

static void pipeline(void) {
  for (int i = 0; i < 20; i++) {
    int fd = dial();
    for (int k = 0; k < 50; k++) say(fd, GET("/debug/pprof/symbol?0x1"));
    CHECK(hear(fd) == 200 || answer[0] == 0); /* a reset may overtake it */
    const char *second = strstr(answer + 1, "HTTP/1.");
    CHECK(answer[0] == 0 || !second);
  }
}

static const struct {
  const char *name;
  void (*run)(void);
} cases[] = {{"halves", halves},
             {"crowd", crowd},
             {"readers", readers},
             {"leavers", leavers},
             {"pipeline", pipeline}};

static volatile bool over;
static mw_chan *done;
static void churn(void *unused) {
  (void)unused;
  while (!over) {
    for (int i = 0; i < 1000; i++) mw_alloc(100);
    mw_yield();
  }
  mw_chan_send(done, 1);
}

int main(int argc, char **argv) {
  struct rlimit l;
  CHECK(getrlimit(RLIMIT_NOFILE, &l) == 0);
  l.rlim_cur = l.rlim_max < 4096 ? l.rlim_max : 4096;
  CHECK(setrlimit(RLIMIT_NOFILE, &l) == 0);
  port = mw_debug_serve(":0");
  if (port < 0 && errno == ENOSYS) return puts("skipped: libmicrohttpd is not installed"), 0;
  CHECK(port > 0);
  done = mw_chan_make(int, 0);
  mw_go(churn, NULL);
  CHECK(get_vars() == 200);
  int before = descriptors();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    if (argc < 2 || strcmp(argv[1], cases[i].name) != 0) continue;
    cases[i].run();
    while (get_vars() != 200) mw_sleep(10000000); /* its connections are all taken, yet */
    while (descriptors() > before) mw_sleep(10000000);
    over = true;
    mw_chan_recv(done, NULL);
    puts("ok");
    return 0;
  }
  return 64;
}
