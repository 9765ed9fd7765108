/* SPDX-License-Identifier: MIT */
/*
 * debug/http_head.c -- what a client sends first, looked at before libmicrohttpd sees it
 *
 * Job      Accept connections, wait until each has sent the head of a request,
 *          and pass on those whose head is in order.  Others get a 4xx:
 *          libmicrohttpd closes some of them without a word.
 * Promise  [HT4] At most WAITING connections wait here, each for WAIT_NS, and what is
 *          passed on has not been read: it is only peeked at.
 *          [HT5] Connections that send nothing, or half a head, keep nobody out: where there are
 *          WAITING of them, who comes takes the place of the one that has waited longest, once
 *          that has had YIELD_NS.
 * How      One thread with poll.  SO_RCVLOWAT keeps poll from reporting, again
 *          and again, a part that is not enough yet.  Who is refused is read for
 *          a while after the answer: to close with unread bytes would be a
 *          reset, which can overtake it.
 * Threads  the one here, a server's; like the server's others it is not the runtime's.
 *          It is there as long as the process; in a forked child it is not.
 */
#include "debug/http.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/os.h"

#define WAITING 16
#define WAIT_NS (int64_t)30000000000
#define LINGER_NS (int64_t)2000000000
#define YIELD_NS (int64_t)100000000 /* a head comes in one piece, mostly */

/* ---- A head ------------------------------------------------------------ */

static bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* METHOD SP TARGET SP HTTP/D.D */
static bool request_line(const char *p, const char *end) {
  const char *at = p;
  while (p < end && is_token(*p)) p++;
  if (p == at || p == end || *p++ != ' ') return false;
  for (at = p; p < end && *p > ' ' && *p < 0x7f; p++)
    if (end - p >= 3 && memcmp(p, "%00", 3) == 0) return false; /* it would end the path */
  if (p == at || p == end || *p++ != ' ') return false;
  return end - p == 8 && memcmp(p, "HTTP/", 5) == 0 && p[5] >= '0' && p[5] <= '9' && p[6] == '.' &&
         p[7] >= '0' && p[7] <= '9';
}

/* NAME: VALUE */
static bool header_line(const char *p, const char *end) {
  const char *at = p;
  while (p < end && is_token(*p)) p++;
  if (p == at || p == end || *p++ != ':') return false;
  for (; p < end; p++)
    if ((*p >= 0 && *p < ' ' && *p != '\t') || *p == 0x7f) return false;
  return true;
}

/* The value of the header at p, without blanks around it, if it has that name. */
static bool value_of(const char *p, const char *end, const char *name, const char **at, size_t *n) {
  size_t len = strlen(name);
  if ((size_t)(end - p) <= len || strncasecmp(p, name, len) != 0 || p[len] != ':') return false;
  for (p += len + 1; p < end && (*p == ' ' || *p == '\t'); p++) {
  }
  while (end > p && (end[-1] == ' ' || end[-1] == '\t')) end--;
  *at = p;
  *n = (size_t)(end - p);
  return true;
}

/* Which headers there must be, and how often; what was seen so far. */
struct seen {
  bool needs_host, host;
  const char *length; /* Content-Length's value, or NULL */
  size_t length_n;
};

static bool fits(struct seen *s, const char *p, const char *end) {
  const char *at;
  size_t n;
  if (value_of(p, end, "Host", &at, &n)) {
    if (s->host) return false;
    s->host = true;
  } else if (value_of(p, end, "Content-Length", &at, &n)) {
    if (s->length && (n != s->length_n || memcmp(at, s->length, n) != 0)) return false;
    s->length = at;
    s->length_n = n;
  }
  return true;
}

int mwi_http_head(const char *p, size_t n) {
  const char *end = p + n;
  struct seen seen = {0};
  for (bool first = true; p < end; first = false) {
    const char *nl = memchr(p, '\n', (size_t)(end - p));
    if (!nl) break;
    const char *stop = nl > p && nl[-1] == '\r' ? nl - 1 : nl;
    if (!first && stop == p) /* the empty line behind it */
      return seen.needs_host && !seen.host ? 400 : 200;
    if (!(first ? request_line : header_line)(p, stop)) return 400;
    if (first)
      seen.needs_host = memcmp(stop - 3, "1.1", 3) == 0;
    else if (!fits(&seen, p, stop))
      return 400;
    p = nl + 1;
  }
  if (n < MWI_HTTP_HEAD) return 0;
  return memchr(end - n, '\n', n) ? 431 : 414;
}

/* ---- Connections ------------------------------------------------------- */

struct waiting {
  int fd;
  bool refused;         /* answered; only read until it closes */
  int64_t since, until; /* clock, ns */
};

struct front {
  int listener;
  bool (*take)(void *arg, int fd, const struct sockaddr *peer, unsigned n);
  void *arg;
  size_t n;
  struct waiting w[WAITING];
  char head[MWI_HTTP_HEAD];
};

static void refuse(struct waiting *w, int status) {
  const char *text = status == 400   ? "400 Bad Request"
                     : status == 408 ? "408 Request Timeout"
                     : status == 414 ? "414 URI Too Long"
                     : status == 503 ? "503 Service Unavailable"
                                     : "431 Request Header Fields Too Large";
  char reply[256];
  int n = snprintf(reply, sizeof reply,
                   "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
                   text, strlen(text) + 1, text);
  send(w->fd, reply, (size_t)n, MSG_NOSIGNAL); /* fits into an empty buffer */
  shutdown(w->fd, SHUT_WR);
  int one = 1;
  setsockopt(w->fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
  w->refused = true;
  w->until = mwi_os_monotonic() + LINGER_NS;
}

/* False: it is not ours any more. */
static bool look(struct front *f, struct waiting *w, bool no_more) {
  if (w->refused) {
    ssize_t n = recv(w->fd, f->head, sizeof f->head, 0);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return true;
    close(w->fd);
    return false;
  }
  ssize_t n = recv(w->fd, f->head, sizeof f->head, MSG_PEEK);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (n <= 0) { /* nothing was asked */
    close(w->fd);
    return false;
  }
  int status = mwi_http_head(f->head, (size_t)n);
  if (status == 200) {
    struct sockaddr_storage peer;
    socklen_t bytes = sizeof peer;
    int one = 1;
    setsockopt(w->fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof one);
    if (getpeername(w->fd, (struct sockaddr *)&peer, &bytes) != 0) {
      close(w->fd);
      return false;
    }
    if (f->take(f->arg, w->fd, (struct sockaddr *)&peer, bytes)) return false;
    refuse(w, 503);
    return true;
  }
  if (!status && no_more) status = 400;
  int more = (int)n + 1;
  if (status)
    refuse(w, status);
  else if (setsockopt(w->fd, SOL_SOCKET, SO_RCVLOWAT, &more, sizeof more) != 0)
    refuse(w, 400);
  return true;
}

/* The one that has waited longest; there is one. */
static size_t oldest(const struct front *f) {
  size_t o = 0;
  for (size_t i = 1; i < f->n; i++)
    if (f->w[i].since < f->w[o].since) o = i;
  return o;
}

/* When the next may come, ns: at once, or when the oldest has had its time [HT5]. */
static int64_t room_at(const struct front *f) {
  return f->n < WAITING ? 0 : f->w[oldest(f)].since + YIELD_NS;
}

static void make_room(struct front *f) {
  if (f->n < WAITING) return;
  struct waiting *w = &f->w[oldest(f)];
  if (!w->refused) refuse(w, 408);
  close(w->fd);
  *w = f->w[--f->n];
}

static void admit(struct front *f) {
  int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno != EAGAIN && errno != EINTR) mwi_os_usleep(10000); /* no descriptors: try again */
    return;
  }
  make_room(f);
  int64_t now = mwi_os_monotonic();
  f->w[f->n++] = (struct waiting){.fd = fd, .since = now, .until = now + WAIT_NS};
}

static void *serve(void *arg) {
  struct front *f = arg;
  for (;;) {
    struct pollfd p[WAITING + 1];
    int64_t now = mwi_os_monotonic(), first = INT64_MAX;
    for (size_t i = 0; i < f->n; i++) {
      p[i] = (struct pollfd){.fd = f->w[i].fd, .events = POLLIN | POLLRDHUP};
      if (f->w[i].until < first) first = f->w[i].until;
    }
    size_t n = f->n;
    int64_t room = room_at(f);
    if (room > now && room < first) first = room;
    p[n] = (struct pollfd){.fd = room <= now ? f->listener : -1, .events = POLLIN};
    int64_t left = first == INT64_MAX ? -1 : first > now ? (first - now) / 1000000 + 1 : 0;
    poll(p, n + 1, (int)left);
    now = mwi_os_monotonic();
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
      struct waiting w = f->w[i];
      bool ours = !p[i].revents || look(f, &w, p[i].revents & ~POLLIN);
      if (ours && now >= w.until) {
        ours = !w.refused;
        if (ours)
          refuse(&w, 408);
        else
          close(w.fd);
      }
      if (ours) f->w[kept++] = w;
    }
    f->n = kept;
    if (p[n].revents) admit(f);
  }
  return NULL;
}

int mwi_http_front(int listener,
                   bool (*take)(void *arg, int fd, const struct sockaddr *peer, unsigned n),
                   void *arg) {
  struct front *f = mwi_meta_alloc(sizeof *f, 16);
  *f = (struct front){.listener = listener, .take = take, .arg = arg};
  fcntl(listener, F_SETFL, O_NONBLOCK);
  pthread_t t;
  pthread_attr_t a;
  pthread_attr_init(&a);
  pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
  int e = pthread_create(&t, &a, serve, f);
  pthread_attr_destroy(&a);
  return -e;
}
