/* SPDX-License-Identifier: MIT */
/*
 * os/cgroup.c -- the memory limit that the kernel puts on this process's group
 *
 * Job      The smallest limit among the control group that the process is in and
 *          those above it, as far as they can be seen from here.
 * How      /proc/self/cgroup names the group in each hierarchy, mountinfo where a
 *          hierarchy is to be found: in a container the mount may show the
 *          group's own folder as its root, and the group's name may lie outside
 *          of what is mounted; then the mount itself is the group's.  Both
 *          versions count: memory.max (2) and memory.limit_in_bytes (1).
 * Errors   what cannot be read or understood is no limit.
 * Threads  start-up, one thread.  No allocation.
 * Next     tests/os/test_cgroup.c, over folders of its own
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/os.h"

#define LINE 4096 /* longer lines are passed over; PATH_MAX is as much */

/* ---- Lines of a file --------------------------------------------------- */

struct lines {
  int fd;
  size_t at, n;
  char buf[LINE], line[LINE];
};

static bool open_lines(struct lines *l, const char *path) {
  l->at = l->n = 0;
  l->fd = open(path, O_RDONLY | O_CLOEXEC);
  return l->fd >= 0;
}

/* The next line without its end; NULL and closed when there is none. */
static char *next_line(struct lines *l) {
  size_t len = 0;
  bool too_long = false;
  for (;;) {
    if (l->at == l->n) {
      ssize_t got;
      do {
        got = read(l->fd, l->buf, sizeof l->buf);
      } while (got < 0 && errno == EINTR);
      l->at = 0;
      l->n = got > 0 ? (size_t)got : 0;
      if (got <= 0 && (len == 0 || too_long)) {
        close(l->fd);
        return NULL;
      }
      if (got <= 0) break;
    }
    char c = l->buf[l->at++];
    if (c == '\n') {
      if (!too_long) break;
      too_long = false;
      len = 0;
    } else if (len == sizeof l->line - 1) {
      too_long = true;
    } else {
      l->line[len++] = c;
    }
  }
  l->line[len] = 0;
  return l->line;
}

/* Is word one of the comma-separated ones of list? */
static bool has_word(const char *list, const char *word) {
  size_t n = strlen(word);
  for (const char *p = list; *p;) {
    size_t len = strcspn(p, ",");
    if (len == n && memcmp(p, word, n) == 0) return true;
    p += len + (p[len] == ',');
  }
  return false;
}

/* The next field of a line, cut off at the space behind it; *rest goes on. */
static char *field(char **rest) {
  char *p = *rest;
  if (!p) return NULL;
  char *end = strchr(p, ' ');
  if (end) *end = 0;
  *rest = end ? end + 1 : NULL;
  return p;
}

/* ---- One hierarchy ----------------------------------------------------- */

struct hierarchy {
  bool v2, found;
  char group[LINE]; /* this process's group in it, from the hierarchy's root */
};

/* What one limit file says; UINT64_MAX: no limit. */
static uint64_t limit_of(const char *path) {
  static struct lines l; /* start-up: one thread */
  if (!open_lines(&l, path)) return UINT64_MAX;
  const char *text = next_line(&l);
  if (text) close(l.fd);
  uint64_t n = 0;
  const char *p = text ? text : "";
  for (; *p >= '0' && *p <= '9'; p++)
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (unsigned)(*p - '0'), &n))
      return UINT64_MAX;
  /* "max", or version 1's largest number of whole pages */
  return *p || p == text || n >= (uint64_t)1 << 62 ? UINT64_MAX : n;
}

/* Smallest limit of folder and of those above it down to the mount's own. */
static uint64_t limit_below(const char *root, const char *mount, const char *group, bool v2) {
  static char path[3 * LINE]; /* start-up: one thread */
  const char *file = v2 ? "/memory.max" : "/memory.limit_in_bytes";
  uint64_t least = UINT64_MAX;
  int top = snprintf(path, sizeof path - 64, "%s%s", root, mount);
  int len = snprintf(path, sizeof path - 64, "%s%s%s", root, mount, group);
  if (top < 0 || len < top || len >= (int)sizeof path - 64) return least;
  for (size_t n = (size_t)len;;) {
    while (n > (size_t)top && path[n - 1] == '/') n--;
    strcpy(path + n, file);
    uint64_t limit = limit_of(path);
    if (limit < least) least = limit;
    if (n <= (size_t)top) return least;
    while (n > (size_t)top && path[n - 1] != '/') n--;
  }
}

/* mountinfo: "36 35 98:0 ROOT MOUNT options [more...] - TYPE source SUPEROPTIONS" */
static uint64_t limit_at_mount(const char *root, char *line, const struct hierarchy *h) {
  char *rest = line, *at_root = NULL, *mount = NULL, *f;
  for (int i = 0; i < 5 && (f = field(&rest)) != NULL; i++) {
    if (i == 3) at_root = f;
    if (i == 4) mount = f;
  }
  while ((f = field(&rest)) != NULL && strcmp(f, "-") != 0) {
  }
  const char *type = field(&rest);
  field(&rest);
  const char *options = field(&rest);
  if (!mount || !type || !options) return UINT64_MAX;
  if (h->v2 ? strcmp(type, "cgroup2") != 0
            : strcmp(type, "cgroup") != 0 || !has_word(options, "memory"))
    return UINT64_MAX;
  size_t n = strcmp(at_root, "/") == 0 ? 0 : strlen(at_root);
  bool inside = strncmp(h->group, at_root, n) == 0 && (h->group[n] == '/' || !h->group[n]);
  return limit_below(root, mount, inside ? h->group + n : "", h->v2);
}

uint64_t mwi_os_cgroup_limit(const char *root) {
  static struct lines l; /* start-up: one thread */
  static struct hierarchy h[2] = {{.v2 = false}, {.v2 = true}};
  static char path[LINE];
  h[0].found = h[1].found = false;
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  if (!open_lines(&l, path)) return UINT64_MAX;
  for (char *line; (line = next_line(&l)) != NULL;) { /* "5:memory,cpu:/group", "0::/group" */
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) continue;
    *controllers++ = 0;
    *group++ = 0;
    struct hierarchy *mine = NULL;
    if (has_word(controllers, "memory")) mine = &h[0];
    if (strcmp(line, "0") == 0 && !*controllers) mine = &h[1];
    if (!mine || *group != '/') continue;
    strcpy(mine->group, group);
    mine->found = true;
  }
  uint64_t least = UINT64_MAX;
  snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
  if (!open_lines(&l, path)) return least;
  for (char *line; (line = next_line(&l)) != NULL;) {
    static char copy[LINE];
    for (int i = 0; i < 2; i++) {
      if (!h[i].found) continue;
      strcpy(copy, line);
      uint64_t limit = limit_at_mount(root, copy, &h[i]);
      if (limit < least) least = limit;
    }
  }
  return least;
}
