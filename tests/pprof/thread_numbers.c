/* SPDX-License-Identifier: MIT */
/*
 * tests/pprof/thread_numbers.c -- a thread that gets the number of one that has ended is profiled
 *
 * Both compute while one CPU profile is on.  The kernel is told which number to give next, which
 * needs a privilege: of root, or of a PID namespace of our own.  Without it the test is skipped.
 * A look at the threads between the two would find the first one gone: then what is tested did
 * not happen, and it is tried again, a few times.  Where looks come so late that most of the time
 * was computed unseen, it is tried until the test's time limit.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../sched/check.h"
#include "cpu_time.h"

enum { FIRST_MS = 120, SECOND_MS = 1000, TRIES = 200 };
static volatile unsigned long sink;

struct burner {
  long ms;
  int tid; /* out */
  int wanted_tid;
};

static void *burn(void *arg) {
  struct burner *b = arg;
  b->tid = (int)syscall(SYS_gettid);
  if (b->wanted_tid && b->tid != b->wanted_tid) return NULL;
  struct timespec now;
  do {
    for (int i = 0; i < 10000; i++) sink++;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < b->ms);
  return NULL;
}

static int run(struct burner *b) {
  pthread_t t;
  CHECK_EQ(pthread_create(&t, NULL, burn, b), 0);
  CHECK_EQ(pthread_join(t, NULL), 0);
  return b->tid;
}

static int last_pid = -1;

/* false: nobody may. */
static bool next_number(int tid) {
  char text[16];
  int n = snprintf(text, sizeof text, "%d", tid - 1);
  return pwrite(last_pid, text, (size_t)n, 0) == n;
}

static int test(void) {
  last_pid = open("/proc/sys/kernel/ns_last_pid", O_RDWR | O_CLOEXEC);
  struct burner probe = {.ms = 0};
  if (last_pid < 0 || !next_number(run(&probe))) return 77;
  for (int others = 0; others < TRIES;) {
    int fd = memfd_create("profile", 0);
    CHECK(fd >= 0);
    CHECK_EQ(mw_pprof_start_cpu(fd), 0);
    struct burner first = {.ms = FIRST_MS};
    int tid = run(&first);
    struct burner second = {.ms = SECOND_MS, .wanted_tid = tid};
    bool same = next_number(tid) && run(&second) == tid;
    CHECK_EQ(mw_pprof_stop_cpu(), 0);
    /* before the next look at the threads, 100 ms later, it may compute unseen */
    uint64_t ms = same ? profiled_ns(fd) / 1000000 : 0;
    CHECK_EQ(close(fd), 0);
    if (ms >= (FIRST_MS + SECOND_MS) / 2) {
      printf("ok\n");
      return 0;
    }
    others += !same;
  }
  return 77; /* others are quicker with the number each time */
}

int main(void) {
  int status = test();
  if (status == 77) {
    /* in namespaces of our own, if we may have them */
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) _exit(77);
      char *argv[] = {"/proc/self/exe", NULL};
      if (getenv("MW_TEST_INSIDE")) _exit(77);
      setenv("MW_TEST_INSIDE", "1", 1);
      pid_t inside = fork();
      if (inside == 0) {
        execv(argv[0], argv);
        _exit(1);
      }
      int s = 0;
      CHECK(inside > 0 && waitpid(inside, &s, 0) == inside);
      _exit(WIFEXITED(s) ? WEXITSTATUS(s) : 1);
    }
    int s = 0;
    CHECK_EQ(waitpid(child, &s, 0), child);
    status = WIFEXITED(s) ? WEXITSTATUS(s) : 1;
  }
  if (status == 77) {
    if (!getenv("MW_TEST_INSIDE")) printf("skipped: thread numbers cannot be chosen here\n");
    return getenv("MW_TEST_INSIDE") ? 77 : 0;
  }
  return status;
}
