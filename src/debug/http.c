/* SPDX-License-Identifier: MIT */
/*
 * debug/http.c -- mw_debug_serve: the server around http_pages.c
 *
 * Job      Listen on an address, hand GET requests to mwi_http_answer.
 * Promise  [HT1] Loopback unless the address says otherwise.
 *          [HT2] Nothing that a client sends takes more than CONNECTIONS threads
 *          and REQUEST_BYTES for each; an idle connection is closed after
 *          IDLE_SECONDS.  Others get a 503.  Other methods than GET: 405; what is no HTTP: 4xx
 *          (http_head.c).
 *          [HT3] Serving never delays a stop of the world: its threads are the
 *          program's own as far as the runtime is concerned, attached while
 *          they take a profile and detached before they wait or write.
 * How      libmicrohttpd, opened by dlopen at the first call, so that a program
 *          that does not serve does not need it.  One thread a connection, since
 *          a request for 30 seconds of profile takes 30 seconds.
 */
#include "debug/http.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mallow.h>

#include "debug/line.h"
#include "os/os.h"
#include "sched/proc.h"

#define CONNECTIONS 16
#define REQUEST_BYTES (16 * MWI_KB)
#define IDLE_SECONDS 30
#define STACK_BYTES (512 * MWI_KB) /* libdw reads names there */

/* ---- libmicrohttpd ------------------------------------------------------ */

#define MHD_FUNCTIONS(X)                                                                           \
  X(MHD_start_daemon)                                                                              \
  X(MHD_add_connection)                                                                            \
  X(MHD_stop_daemon)                                                                               \
  X(MHD_lookup_connection_value)                                                                   \
  X(MHD_get_connection_values)                                                                     \
  X(MHD_create_response_from_fd)                                                                   \
  X(MHD_add_response_header)                                                                       \
  X(MHD_queue_response)                                                                            \
  X(MHD_destroy_response)

static struct {
  bool ready;
#define X(name) __typeof__(&name) name;
  MHD_FUNCTIONS(X)
#undef X
} mhd;
static pthread_once_t mhd_once = PTHREAD_ONCE_INIT;

static void mhd_open(void) {
  void *lib = dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);
  if (!lib) return;
#define X(name)                                                                                    \
  if (!(mhd.name = (__typeof__(mhd.name))dlsym(lib, #name))) return;
  MHD_FUNCTIONS(X)
#undef X
  mhd.ready = true;
}

/* ---- Requests ---------------------------------------------------------- */

static const char *argument(void *connection, const char *name) {
  return mhd.MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

/* The first parameter's name: all of a query that has no `=`, its + as spaces. */
static enum MHD_Result first_name(void *out, enum MHD_ValueKind kind, const char *name,
                                  const char *value) {
  (void)kind, (void)value;
  *(const char **)out = name;
  return MHD_NO; /* enough */
}

static enum MHD_Result send_reply(struct MHD_Connection *c, const struct mwi_http_reply *r) {
  off_t n = lseek(r->fd, 0, SEEK_END);
  lseek(r->fd, 0, SEEK_SET);
  struct MHD_Response *response = mhd.MHD_create_response_from_fd(n > 0 ? (size_t)n : 0, r->fd);
  if (!response) {
    close(r->fd);
    return MHD_NO;
  }
  mhd.MHD_add_response_header(response, "Content-Type", r->type);
  mhd.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  mhd.MHD_add_response_header(response, "Cache-Control", "no-store");
  mhd.MHD_add_response_header(response, "Connection",
                              "close"); /* the next is looked at first, too */
  if (r->status == 405) mhd.MHD_add_response_header(response, "Allow", "GET");
  if (r->location) mhd.MHD_add_response_header(response, "Location", r->location);
  if (r->filename) {
    char text[128] = "attachment; filename=\"";
    strncat(text, r->filename, 64);
    strcat(text, "\"");
    mhd.MHD_add_response_header(response, "Content-Disposition", text);
  }
  enum MHD_Result done = mhd.MHD_queue_response(c, (unsigned)r->status, response);
  mhd.MHD_destroy_response(response); /* closes fd when it has been sent */
  return done;
}

static enum MHD_Result on_request(void *unused, struct MHD_Connection *c, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **context) {
  (void)unused, (void)version, (void)upload, (void)upload_bytes, (void)context;
  struct mwi_http_reply r = {.status = 200, .type = "text/plain; charset=utf-8"};
  r.fd = memfd_create("mallow-http", MFD_CLOEXEC);
  if (r.fd < 0) return MHD_NO; /* the connection is closed */
  if (strcmp(method, "GET") != 0) {
    static const char text[] = "only GET is allowed here\n";
    r.status = 405;
    mwi_os_write(r.fd, text, sizeof text - 1);
  } else {
    struct mwi_http_request q = {.path = path, .argument = argument, .connection = c};
    mhd.MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, first_name, &q.query);
    mwi_http_answer(&q, &r);
  }
  return send_reply(c, &r);
}

/* ---- Addresses --------------------------------------------------------- */

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

/* "host:port", host numeric, "localhost" or empty; -EINVAL. */
static int parse_address(const char *text, union address *a) {
  char host[64];
  const char *colon = strrchr(text, ':');
  if (!colon || (size_t)(colon - text) >= sizeof host || !colon[1]) return -EINVAL;
  uint32_t port = 0;
  for (const char *p = colon + 1; *p; p++) {
    if (*p < '0' || *p > '9' || (port = port * 10 + (uint32_t)(*p - '0')) > 65535) return -EINVAL;
  }
  size_t n = (size_t)(colon - text);
  memcpy(host, text, n);
  host[n] = 0;
  memset(a, 0, sizeof *a);
  if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
    host[n - 1] = 0;
    a->v6.sin6_family = AF_INET6;
    a->v6.sin6_port = htons((uint16_t)port);
    return inet_pton(AF_INET6, host + 1, &a->v6.sin6_addr) == 1 ? 0 : -EINVAL;
  }
  a->v4.sin_family = AF_INET;
  a->v4.sin_port = htons((uint16_t)port);
  const char *numbers = !n || strcmp(host, "localhost") == 0 ? "127.0.0.1" : host; /* [HT1] */
  return inet_pton(AF_INET, numbers, &a->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

/* A listening socket, or -errno; *a becomes the address that it got. */
static int listen_on(union address *a) {
  socklen_t n = a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
  int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(fd, &a->any, n) == 0 && listen(fd, CONNECTIONS) == 0 &&
      getsockname(fd, &a->any, &n) == 0)
    return fd;
  int e = errno;
  close(fd);
  return -e;
}

/*
 * Connections are counted here: where libmicrohttpd finds too many of them by itself, its thread
 * waits for a lock that it holds (0.9.75), and nobody is answered any more.
 */
struct server {
  struct MHD_Daemon *daemon; /* constant once it listens */
  _Atomic uint32_t active;   /* handed over, and not closed yet */
};

static void on_connection(void *server, struct MHD_Connection *c, void **context,
                          enum MHD_ConnectionNotificationCode what) {
  (void)c, (void)context;
  struct server *s = server;
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) mwi_add_relaxed(&s->active, (uint32_t)-1);
}

static bool take(void *server, int fd, const struct sockaddr *peer, unsigned n) {
  struct server *s = server;
  if (mwi_load_relaxed(&s->active) >= CONNECTIONS) return false;
  mwi_add_relaxed(&s->active, 1); /* by the one thread of the front alone */
  if (mhd.MHD_add_connection(s->daemon, fd, peer, n) != MHD_YES) /* which has closed fd */
    mwi_add_relaxed(&s->active, (uint32_t)-1);
  return true;
}

/* The port, or -errno. */
static int serve(const char *addr) {
  pthread_once(&mhd_once, mhd_open);
  if (!mhd.ready) return -ENOSYS;
  if (!addr) return -EINVAL;
  union address a;
  int r = parse_address(addr, &a);
  if (r) return r;
  int fd = listen_on(&a);
  if (fd < 0) return fd;
  struct server *s = mwi_meta_alloc(sizeof *s, 16); /* in use as long as the process */
  struct MHD_Daemon *d = mhd.MHD_start_daemon(
      MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC |
          MHD_USE_NO_LISTEN_SOCKET,
      0, NULL, NULL, on_request, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
      MHD_OPTION_CONNECTION_LIMIT, 4u * CONNECTIONS, /* more than there are ever */
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, REQUEST_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
      (unsigned)IDLE_SECONDS, MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES, MHD_OPTION_END);
  if (!d) {
    close(fd);
    return -EAGAIN; /* no thread, no memory */
  }
  s->daemon = d;
  int e = mwi_http_front(fd, take, s);
  if (e < 0) {
    mhd.MHD_stop_daemon(d);
    close(fd);
    return e;
  }
  return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

MWI_EXPORT int mw_debug_serve(const char *addr) {
  int cancel = mwi_cancel_off(), r = serve(addr);
  mwi_cancel_back(cancel);
  if (r >= 0) return r;
  mwi_errno_set(-r);
  return -1;
}

/* ---- GODEBUG ----------------------------------------------------------- */

static void complain(const char *addr, int e) {
  struct mwi_line l;
  mwi_line_init(&l);
  mwi_line_str(&l, "mallow: GODEBUG: ");
  mwi_line_quoted(&l, addr);
  mwi_line_str(&l, ": cannot serve: ");
  const char *why = e == ENOSYS   ? "libmicrohttpd.so.12 is not installed"
                    : e == EINVAL ? "expected httpdebug=HOST:PORT with a numeric host"
                                  : strerrordesc_np(e);
  mwi_line_str(&l, why);
  mwi_line_end(&l, 2);
}

void mwi_http_init(void) {
  static const char name[] = "httpdebug=";
  const char *v = mwi_os_getenv("GODEBUG");
  char item[sizeof name + 80] = "";
  for (; v && *v; v += strcspn(v, ","), v += *v == ',') { /* the last one counts */
    size_t n = strcspn(v, ",");
    if (n < sizeof name - 1 || strncmp(v, name, sizeof name - 1) != 0) continue;
    if (n >= sizeof item) n = sizeof item - 1;
    memcpy(item, v, n);
    item[n] = 0;
  }
  if (!item[0]) return;
  int r = serve(item + sizeof name - 1);
  if (r < 0) complain(item, -r);
}
