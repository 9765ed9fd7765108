/* SPDX-License-Identifier: MIT */
/*
 * tests/afresh.c -- run a test in a process that begins alike everywhere
 *
 *     afresh COMMAND [ARGUMENTS]
 *
 * A process inherits more than its arguments: open descriptors and the size of their table, a
 * standard input that never ends, ignored and blocked signals, limits, timer slack.  Whoever calls
 * ctest has some of that from a shell, a service or a container, and no test is about it.  What a
 * test needs to differ it makes itself.
 *
 *   descriptors   0 is /dev/null, 1 and 2 are the caller's or /dev/null, no others are open
 *   signals       none is ignored or blocked
 *   limits        soft ones, as a login has them, or the hard one where that is lower
 *   the rest      umask 022, a slack of 50 us
 *
 * The environment's part is cmake/MallowTest.cmake's.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void descriptors(void) {
  close(0);
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
  close_range(3, ~0u, 0);
}

static void signals(void) {
  sigset_t none;
  /* As the kernel knows it: libc refuses the two that are its own. */
  static const unsigned long by_default[4]; /* handler, flags, restorer, mask */
  for (int sig = 1; sig < NSIG; sig++) syscall(SYS_rt_sigaction, sig, by_default, NULL, 8);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(__rlimit_resource_t what, rlim_t soft) {
  struct rlimit l;
  if (getrlimit(what, &l) != 0) return;
  l.rlim_cur = soft < l.rlim_max ? soft : l.rlim_max;
  setrlimit(what, &l);
}

int main(int argc, char **argv) {
  if (argc < 2) return 125;
  descriptors();
  signals();
  limit(RLIMIT_NOFILE, 1024);
  limit(RLIMIT_STACK, 8 << 20);
  limit(RLIMIT_CORE, 0);
  umask(022);
  prctl(PR_SET_TIMERSLACK, 50000L);
  execvp(argv[1], argv + 1);
  fprintf(stderr, "afresh: %s: %s\n", argv[1], strerror(errno));
  return 127;
}
