/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/watched.c -- sysmon comes when there is something for it to do, and not before
 * [SM1]
 *
 *     watched CASE        with GOMAXPROCS=1: no other thread does its work
 *
 *   plain     a program that allocates, computes and makes system calls is one thread
 *   go        a goroutine that never yields does not keep main from going on
 *   collect   a collection brings it
 *   sleep     so does a wait of main's
 *   limit     and a memory limit
 *   thread    and a thread of the program's that allocates
 *   jump      a handler of plain's jumps out of a read
 *   child     a forked child begins alone, and has all of that
 *   limited   one whose parent has a memory limit, which it has too, does not begin alone
 *   timer     a timer of the parent's comes due in the child
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <mallow.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../check.h"

typedef struct node {
  struct node *next;
  char text[40];
} node;
static node *kept;

static int threads(void) {
  int n = 0;
  DIR *d = opendir("/proc/self/task");
  CHECK(d != NULL);
  for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
  closedir(d);
  return n;
}

static void plain(void) {
  CHECK(threads() == 1);
  for (int i = 0; i < 1000; i++) {
    node *n = mw_new(node);
    n->next = kept;
    snprintf(n->text, sizeof n->text, "%d", i);
    kept = n;
  }
  int fd[2];
  CHECK(pipe(fd) == 0 && write(fd[1], "x", 1) == 1);
  char b;
  CHECK(read(fd[0], &b, 1) == 1 && close(fd[0]) == 0 && close(fd[1]) == 0);
  CHECK(threads() == 1);
}

static _Atomic int turns;
static _Atomic bool over;
static void spin(void *unused) {
  (void)unused;
  while (!over) turns++;
}

static void go(void) {
  over = false;
  turns = 0;
  mw_go(spin, NULL);
  CHECK(threads() > 1);
  while (turns == 0) mw_yield(); /* GOMAXPROCS=1: it runs, and only sysmon ends its slice */
  over = true;
}

static void collect(void) {
  mw_gc();
  CHECK(threads() > 1);
}

static void nap(void) {
  mw_sleep(1000000);
  CHECK(threads() > 1);
}

static void limit(void) {
  mw_set_memory_limit((int64_t)1 << 40);
  CHECK(threads() > 1);
  mw_set_memory_limit(INT64_MAX);
}

static void *thread_main(void *unused) {
  (void)unused;
  kept = mw_new(node);
  CHECK(threads() > 2); /* it, main, and sysmon */
  return NULL;
}

static void thread(void) {
  pthread_t t;
  CHECK(pthread_create(&t, NULL, thread_main, NULL) == 0 && pthread_join(t, NULL) == 0);
}

static sigjmp_buf out;
static void jump_out(int sig) {
  (void)sig;
  siglongjmp(out, 1);
}

static void jump(void) {
  int fd[2];
  CHECK(pipe(fd) == 0 && signal(SIGALRM, jump_out) != SIG_ERR);
  for (int i = 0; i < 3; i++) {
    if (sigsetjmp(out, 1) == 0) {
      ualarm(2000, 0);
      char b;
      CHECK(read(fd[0], &b, 1) == -1);
      CHECK(!"read returned");
    }
  }
}

static const struct {
  const char *name;
  void (*run)(void);
} cases[] = {{"plain", plain}, {"go", go},         {"collect", collect}, {"sleep", nap},
             {"limit", limit}, {"thread", thread}, {"jump", jump}};
enum { NCASES = sizeof cases / sizeof *cases };

static void in_child(void (*run)(void)) {
  fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(threads() == 1);
    if (run != plain) plain();
    run();
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* First of a parent that is alone, then of one that has had everything. */
static void child(void) {
  for (int i = 0; i < NCASES; i++) in_child(cases[i].run);
  for (int i = 0; i < NCASES; i++)
    if (cases[i].run != plain && cases[i].run != jump) cases[i].run();
  for (int i = 0; i < NCASES; i++)
    if (cases[i].run != jump) in_child(cases[i].run); /* where main is parked, none may */
}

/* A limit that the parent has set. */
static void limited(void) {
  mw_set_memory_limit((int64_t)1 << 40);
  fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    kept = mw_new(node);
    CHECK(threads() > 1);
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void timer(void) {
  mw_chan *due = mw_after(20000000);
  fflush(stdout);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    int64_t when;
    CHECK(mw_chan_recv(due, &when));
    _exit(0);
  }
  int status;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "child") == 0) child();
  if (strcmp(what, "timer") == 0) timer();
  if (strcmp(what, "limited") == 0) limited();
  for (int i = 0; i < NCASES; i++)
    if (strcmp(what, cases[i].name) == 0) {
      if (cases[i].run != plain) plain();
      cases[i].run();
    }
  puts("ok");
  return 0;
}
