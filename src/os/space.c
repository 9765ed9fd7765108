/* SPDX-License-Identifier: MIT */
/*
 * os/space.c -- how much the kernel lets this process map
 *
 * Job      Tells those who map far more than they will touch (goroutine stacks)
 *          when that counts.
 * How      Address space itself may be limited: RLIMIT_AS, `ulimit -v`.  And with
 *          vm.overcommit_memory 2 all that may be written counts, touched or not,
 *          against CommitLimit for the whole machine; /proc/meminfo tells what is
 *          promised already.  What was left when first asked is this process's.
 * Errors   what cannot be read is no limit.
 * Threads  any; no allocation, no locks.
 * Next     sched/stack.c; tests/os/test_space.c, over a /proc of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/os.h"

enum { STRICT = 2 }; /* of vm.overcommit_memory */

/* The beginning of a file; "" if it cannot be read. */
static const char *head_of(const char *root, const char *name, char *text, size_t room) {
  char path[256];
  ssize_t got = -1;
  int n = snprintf(path, sizeof path, "%s%s", root, name);
  int fd = n < (int)sizeof path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  while (fd >= 0 && (got = read(fd, text, room - 1)) < 0 && errno == EINTR) {
  }
  if (fd >= 0) close(fd);
  text[got > 0 ? got : 0] = 0;
  return text;
}

/* "NAME:   123 kB" in bytes; 0: not there. */
static size_t kilobytes(const char *text, const char *name) {
  const char *at = strstr(text, name);
  size_t n = 0;
  if (!at) return 0;
  for (at += strlen(name); *at == ' '; at++) {
  }
  for (; *at >= '0' && *at <= '9'; at++) n = n * 10 + (size_t)(*at - '0');
  return n * MWI_KB;
}

size_t mwi_os_promised_limit(const char *root) {
  char text[4096];
  if (*head_of(root, "/proc/sys/vm/overcommit_memory", text, sizeof text) != '0' + STRICT) return 0;
  head_of(root, "/proc/meminfo", text, sizeof text);
  size_t limit = kilobytes(text, "CommitLimit:"), promised = kilobytes(text, "Committed_AS:");
  if (!limit) return 0;
  return limit > promised ? limit - promised : 1;
}

size_t mwi_os_space_limit(bool *strict) {
  static _Atomic size_t asked; /* 1 + the answer; idempotent but for what others map meanwhile */
  size_t left = mwi_load_relaxed(&asked);
  if (!left) {
    int saved = errno;
    left = 1 + mwi_os_promised_limit("");
    errno = saved;
    mwi_store_relaxed(&asked, left);
  }
  left--;
  struct rlimit l;
  if (strict) *strict = left != 0;
  if (getrlimit(RLIMIT_AS, &l) != 0 || l.rlim_cur == RLIM_INFINITY) return left;
  if (left && left < l.rlim_cur) return left;
  if (strict) *strict = false;
  return (size_t)l.rlim_cur;
}
