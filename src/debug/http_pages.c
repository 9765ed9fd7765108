/* SPDX-License-Identifier: MIT */
/*
 * debug/http_pages.c -- what is found under /debug/pprof/ and /debug/vars
 *
 * Job      Go's paths and parameters:
 *            /debug/pprof/          index
 *            /debug/pprof/NAME      a profile; debug=0, 1, 2; gc=1 (heap, allocs);
 *                                   seconds=N: what was added in that time
 *            /debug/pprof/profile   CPU; seconds=N (30)
 *            /debug/pprof/cmdline   the arguments, separated by zeros
 *            /debug/pprof/symbol    names of addresses: ?0x1234+0x5678
 *            /debug/vars            the statistics, as JSON
 *          Anything else is 404, a parameter that is no number 400.
 * Threads  a thread of the server's for each request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mallow.h>

#include "debug/cpuprof.h"
#include "debug/http.h"
#include "debug/profile.h"
#include "debug/symbol.h"
#include "debug/traceback.h"
#include "os/os.h"
#include "sched/proc.h"

#define CPU_SECONDS 30
#define MAX_SECONDS 3600

#define PREFIX "/debug/pprof/"

static void fail(struct mwi_http_reply *r, int status, const char *why) {
  if (ftruncate(r->fd, 0) != 0 || lseek(r->fd, 0, SEEK_SET) != 0) return;
  r->status = status;
  r->type = "text/plain; charset=utf-8";
  r->filename = NULL;
  dprintf(r->fd, "%s\n", why);
}

static void fail_errno(struct mwi_http_reply *r, int e) {
  fail(r, e == ENOENT ? 404 : 500, e == ENOENT ? "Unknown profile" : strerrordesc_np(e));
}

/* A numeric parameter: fallback if it is not given, -1 if it is none up to max. */
static int number(const struct mwi_http_request *q, const char *name, int fallback, int max) {
  const char *s = q->argument(q->connection, name);
  if (!s) return fallback;
  int v = 0;
  if (!*s) return -1;
  for (; *s; s++) {
    if (*s < '0' || *s > '9') return -1;
    v = v * 10 + (*s - '0');
    if (v > max) return -1;
  }
  return v;
}

/* Not to be stopped, and holding no processor, until the runtime is used again. */
static void leave_runtime(void) {
  if (mwi_tcb()->attached) mwi_detach();
}

static void wait_seconds(int n) {
  leave_runtime();
  for (int i = 0; i < n * 10; i++) mwi_os_usleep(100000);
}

/* ---- Profiles ---------------------------------------------------------- */

static void index_page(struct mwi_http_reply *r) {
  r->type = "text/html; charset=utf-8";
  dprintf(r->fd, "<!DOCTYPE html><html><head><title>" PREFIX "</title></head><body>\n"
                 "<h1>" PREFIX "</h1>\n<table>\n<tr><th>Count</th><th>Profile</th></tr>\n");
  for (size_t i = 0; mwi_profile_names[i]; i++) {
    struct mwi_profile p;
    const char *name = mwi_profile_names[i];
    mwi_profile_take(&p, name, true);
    int64_t n = 0;
    bool counts = p.kind && p.kind->nvalues == 1; /* of the others, stacks */
    for (const struct mwi_sample *s = p.samples; s; s = s->hh.next) n += counts ? s->value[0] : 1;
    mwi_profile_free(&p);
    dprintf(r->fd, "<tr><td>%lld</td><td><a href=\"%s?debug=1\">%s</a></td></tr>\n", (long long)n,
            name, name);
  }
  dprintf(r->fd, "</table>\n<p><a href=\"goroutine?debug=2\">full goroutine stack dump</a></p>\n"
                 "<p><a href=\"cmdline\">cmdline</a> <a href=\"profile\">profile</a> (CPU, 30 s) "
                 "<a href=\"/debug/vars\">vars</a></p>\n</body></html>\n");
}

static void binary(struct mwi_http_reply *r, const char *name) {
  r->type = "application/octet-stream";
  r->filename = name;
}

static void delta(struct mwi_http_reply *r, const char *name, int seconds) {
  struct mwi_profile before, after;
  int e = mwi_profile_take(&before, name, false);
  if (e == 0) {
    wait_seconds(seconds);
    e = mwi_profile_take(&after, name, false);
    if (e == 0) {
      mwi_profile_subtract(&after, &before);
      e = mwi_profile_write_proto(&after, r->fd);
    }
    mwi_profile_free(&after);
  }
  mwi_profile_free(&before);
  if (e) fail_errno(r, -e);
}

static void named(const struct mwi_http_request *q, struct mwi_http_reply *r, const char *name) {
  int debug = number(q, "debug", 0, 2), gc = number(q, "gc", 0, 1);
  int seconds = number(q, "seconds", 0, MAX_SECONDS);
  if (debug < 0 || gc < 0 || seconds < 0) {
    fail(r, 400, "debug, gc and seconds have to be small numbers");
    return;
  }
  if (seconds && debug) {
    fail(r, 400, "seconds and debug parameters are incompatible");
    return;
  }
  if (gc && (strcmp(name, "heap") == 0 || strcmp(name, "allocs") == 0)) mw_gc();
  if (!debug) binary(r, name);
  if (seconds) {
    delta(r, name, seconds);
    return;
  }
  int e = mwi_profile_write(name, r->fd, debug);
  if (e) fail_errno(r, -e);
}

static void cpu(const struct mwi_http_request *q, struct mwi_http_reply *r) {
  int seconds = number(q, "seconds", CPU_SECONDS, MAX_SECONDS);
  if (seconds < 1) {
    fail(r, 400, "seconds has to be a number from 1 to 3600");
    return;
  }
  int e = mwi_cpuprof_start();
  if (e) {
    fail(r, e == -EBUSY ? 503 : 500,
         e == -EBUSY ? "a CPU profile is being taken already" : strerrordesc_np(-e));
    return;
  }
  wait_seconds(seconds);
  struct mwi_profile p;
  e = mwi_cpuprof_stop(&p);
  binary(r, "profile");
  if (e == 0) e = mwi_profile_write_proto(&p, r->fd);
  mwi_profile_free(&p);
  if (e) fail_errno(r, -e);
}

/* ---- The rest ---------------------------------------------------------- */

/* /proc/self/cmdline into buf; its length. */
static size_t command_line(char *buf, size_t room) {
  int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, buf, room);
  if (fd >= 0) close(fd);
  if (n > 0 && buf[n - 1] == 0) n--;
  return n > 0 ? (size_t)n : 0;
}

static void cmdline(struct mwi_http_reply *r) {
  char buf[8192];
  mwi_os_write(r->fd, buf, command_line(buf, sizeof buf));
}

struct symbol {
  int fd;
  uintptr_t pc;
  bool named;
};

static void print_symbol(const struct mwi_frame *f, void *arg) {
  struct symbol *s = arg;
  const char *name = mwi_frame_shown(f);
  if (f->inlined || s->named || !f->function || !name) return;
  s->named = true;
  dprintf(s->fd, "%#lx %s\n", (unsigned long)s->pc, name);
}

static void symbol(const struct mwi_http_request *q, struct mwi_http_reply *r) {
  dprintf(r->fd, "num_symbols: 1\n"); /* that is: there are some */
  for (const char *s = q->query ? q->query : ""; *s;) {
    char *end;
    errno = 0;
    unsigned long long pc = strtoull(s, &end, 0);
    if (end == s || *s == '-' || errno) {
      fail(r, 400, "expected addresses with + between them");
      return;
    }
    struct symbol one = {.fd = r->fd, .pc = (uintptr_t)pc};
    if (pc) mwi_symbolize((uintptr_t)pc + 1, print_symbol, &one);
    s = end;
    if (*s == '+' || *s == ' ') s++;
  }
}

static void json_string(int fd, const char *s, size_t n) {
  dprintf(fd, "\"");
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c == '"' || c == '\\')
      dprintf(fd, "\\%c", c);
    else if (c < 0x20 || c >= 0x7f)
      dprintf(fd, "\\u%04x", c);
    else
      dprintf(fd, "%c", c);
  }
  dprintf(fd, "\"");
}

static void json_array(int fd, const char *name, const uint64_t *v, size_t n) {
  dprintf(fd, ",\n\"%s\": [", name);
  for (size_t i = 0; i < n; i++) dprintf(fd, "%s%lu", i ? "," : "", (unsigned long)v[i]);
  dprintf(fd, "]");
}

static void vars(struct mwi_http_reply *r) {
  int fd = r->fd;
  r->type = "application/json; charset=utf-8";
  char buf[8192];
  size_t n = command_line(buf, sizeof buf);
  dprintf(fd, "{\n\"cmdline\": [");
  for (size_t at = 0; at < n;) {
    size_t len = strnlen(buf + at, n - at);
    if (at) dprintf(fd, ",");
    json_string(fd, buf + at, len);
    at += len + 1;
  }
  mw_mem_stats *s = malloc(sizeof *s);
  if (!s) {
    fail_errno(r, ENOMEM);
    return;
  }
  mw_read_mem_stats(s);
  const struct {
    const char *name;
    uint64_t v;
  } numbers[] = {
      {"Alloc", s->alloc},
      {"TotalAlloc", s->total_alloc},
      {"Sys", s->sys},
      {"Lookups", s->lookups},
      {"Mallocs", s->mallocs},
      {"Frees", s->frees},
      {"HeapAlloc", s->heap_alloc},
      {"HeapSys", s->heap_sys},
      {"HeapIdle", s->heap_idle},
      {"HeapInuse", s->heap_inuse},
      {"HeapReleased", s->heap_released},
      {"HeapObjects", s->heap_objects},
      {"StackInuse", s->stack_inuse},
      {"StackSys", s->stack_sys},
      {"MSpanInuse", s->mspan_inuse},
      {"MSpanSys", s->mspan_sys},
      {"MCacheInuse", s->mcache_inuse},
      {"MCacheSys", s->mcache_sys},
      {"BuckHashSys", s->buck_hash_sys},
      {"GCSys", s->gc_sys},
      {"OtherSys", s->other_sys},
      {"NextGC", s->next_gc},
      {"LastGC", s->last_gc},
      {"PauseTotalNs", s->pause_total_ns},
      {"NumGC", s->num_gc},
      {"NumForcedGC", s->num_forced_gc},
  };
  dprintf(fd, "],\n\"memstats\": {\"EnableGC\": true, \"DebugGC\": false,\n\"GCCPUFraction\": %g",
          s->gc_cpu_fraction);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    dprintf(fd, ",\n\"%s\": %lu", numbers[i].name, (unsigned long)numbers[i].v);
  json_array(fd, "PauseNs", s->pause_ns, 256);
  json_array(fd, "PauseEnd", s->pause_end, 256);
  dprintf(fd, ",\n\"BySize\": [");
  for (size_t i = 0; i < sizeof s->by_size / sizeof *s->by_size; i++)
    if (i == 0 || s->by_size[i].size)
      dprintf(fd, "%s{\"Size\":%u,\"Mallocs\":%lu,\"Frees\":%lu}", i ? "," : "", s->by_size[i].size,
              (unsigned long)s->by_size[i].mallocs, (unsigned long)s->by_size[i].frees);
  dprintf(fd, "]}\n}\n");
  free(s);
}

void mwi_http_answer(const struct mwi_http_request *q, struct mwi_http_reply *r) {
  size_t prefix = sizeof PREFIX - 1;
  if (strcmp(q->path, "/debug/vars") == 0) {
    vars(r);
  } else if (strcmp(q->path, "/debug/pprof") == 0) {
    fail(r, 301, PREFIX);
    r->location = PREFIX;
  } else if (strncmp(q->path, PREFIX, prefix) == 0) {
    const char *name = q->path + prefix;
    if (!*name)
      index_page(r);
    else if (strcmp(name, "profile") == 0)
      cpu(q, r);
    else if (strcmp(name, "cmdline") == 0)
      cmdline(r);
    else if (strcmp(name, "symbol") == 0)
      symbol(q, r);
    else
      named(q, r, name);
  } else {
    fail(r, 404, "404 page not found");
  }
  leave_runtime(); /* [HT3] of http.c */
}
