/* SPDX-License-Identifier: MIT */
/*
 * tests/pprof/forked.c -- fork while a CPU profile is on and others are being written
 *
 * The child has no profile on and its parent's handler of SIGPROF, can take
 * profiles of its own, with names; the parent's goes on.
 * A fork waits a second for who looks names up, then the child goes without: that one does not
 * count.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../sched/check.h"
#include "cpu_time.h"

static _Atomic bool over;
static mw_waitgroup done;
static volatile unsigned long sink;

static void spins(void *unused) {
  (void)unused;
  while (!over) sink++;
  mw_waitgroup_done(&done);
}

static int file(void) {
  int fd = memfd_create("profile", MFD_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

/* Names are looked up nearly all the time. */
static void writes(void *unused) {
  (void)unused;
  while (!over) {
    int fd = file();
    CHECK_EQ(mw_pprof_write("goroutine", fd, 2), 0);
    CHECK_EQ(close(fd), 0);
  }
  mw_waitgroup_done(&done);
}

static void burn_ms(long ms) {
  struct timespec begin, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  do {
    for (int i = 0; i < 10000; i++) sink++;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

/* The CPU time that a profile of so much has. */
static uint64_t profile(long ms) {
  int fd = file();
  CHECK_EQ(mw_pprof_start_cpu(fd), 0);
  burn_ms(ms);
  CHECK_EQ(mw_pprof_stop_cpu(), 0);
  uint64_t ns = profiled_ns(fd);
  CHECK_EQ(close(fd), 0);
  return ns;
}

static void own(int sig) {
  (void)sig;
}

enum { CHILDREN = 6, NAMES = 7, NO_NAMES };
static void child(void) {
  struct sigaction now;
  mw_gc(); /* the runtime goes on */
  CHECK(sigaction(SIGPROF, NULL, &now) == 0 && now.sa_handler == own);
  errno = 0;
  CHECK(mw_pprof_stop_cpu() == -1 && errno == EINVAL);
  while (profile(100) == 0) continue; /* samples come where the kernel's ticks find it computing */
  int fd = file();
  mw_print_goroutines(fd);
  static char text[20000];
  CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
  _exit(strstr(text, "forked.c:") ? NAMES : NO_NAMES);
}

int main(void) {
  check_start();
  CHECK(signal(SIGPROF, own) == SIG_DFL);
  mw_waitgroup_add(&done, 3);
  mw_go(spins, NULL);
  mw_go(writes, NULL);
  mw_go(writes, NULL);
  int fd = file();
  CHECK_EQ(mw_pprof_start_cpu(fd), 0);
  for (int named = 0; named < CHILDREN;) {
    burn_ms(20);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child();
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == NAMES || WEXITSTATUS(status) == NO_NAMES));
    named += WEXITSTATUS(status) == NAMES;
  }
  CHECK_EQ(mw_pprof_stop_cpu(), 0);
  CHECK(lseek(fd, 0, SEEK_END) > 100);
  over = true;
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
