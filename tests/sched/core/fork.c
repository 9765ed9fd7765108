/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/fork.c -- the child of a fork is a whole program again
 *
 *     fork child|loop|thread|goroutine|spawn|handlers|callback|limits [N]
 *
 *   child      everything in the child: allocation, collections, goroutines,
 *              channels, select, timers, mutexes, finalizers, a second fork;
 *              channels on which the parent's goroutines wait are usable
 *   loop       N forks (1,000) beside goroutines that allocate, collect, block
 *              and sit in external code; each child works a little
 *   thread     the same from a thread of the program's
 *   goroutine  a child forked by a goroutine ends with it
 *   spawn      posix_spawn, system, popen, vfork and exec
 *   handlers   pthread_atfork handlers may allocate and collect, on both sides
 *   callback   fork below external frames
 *   limits     a wait with a time limit, behind one of the parent's that ended before its limit
 */
#define _GNU_SOURCE 1
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../../parked.h"
#include "../check.h"
#include "beside.h"
#include "plain.h"

extern char **environ;

static mw_chan *shared;    /* the parent's goroutines wait on it */
static mw_chan *delivered; /* and on this, to send */
static node *kept;         /* built before the forks */

/* ---- What others do meanwhile ---------------------------------------------- */

static void allocates(void *unused) {
  (void)unused;
  for (int i = 0; !over; i++) {
    CHECK(intact(list(300), 300));
    if (i % 20 == 0) mw_sleep(500000); /* leave the others some of the machine */
  }
  mw_waitgroup_done(&done);
}
static void collects_at_times(void *unused) {
  (void)unused;
  while (!over) {
    mw_gc();
    mw_sleep(3000000);
  }
  mw_waitgroup_done(&done);
}
static void outside(void *unused) {
  (void)unused;
  while (!over) {
    plain_libc_locks();
    mw_sleep(2000000);
  }
  mw_waitgroup_done(&done);
}
static void waits(void *unused) {
  (void)unused;
  int v;
  mw_chan_recv(shared, &v);
}
static void offers(void *unused) {
  (void)unused;
  int v = -1;
  mw_chan_send(delivered, v);
}
static void selects(void *unused) {
  (void)unused;
  int v;
  mw_case cases[] = {mw_case_recv(shared, &v),
                     mw_case_recv(mw_after(INT64_C(1000000000000)), NULL)};
  mw_select(cases, 2);
}
static void sleeps(void *unused) {
  (void)unused;
  for (;;) mw_sleep(2000000);
}

static void company(void) {
  for (int i = 0; i < 3; i++) {
    mw_go(waits, NULL);
    mw_go(offers, NULL);
    mw_go(selects, NULL);
    mw_go(sleeps, NULL);
  }
  begin(allocates);
  begin(allocates);
  begin(collects_at_times);
}

/* Not where children call exit: at the fork libc's list of exit handlers may be
 * locked by a dlclose, and stays so in the child. */
static void company_outside(void) {
  company();
  begin(outside);
}

/* ---- What a child does ------------------------------------------------------ */

static mw_chan *results;
static void works(void *n) {
  bool good = intact(list((uintptr_t)n), (uintptr_t)n);
  mw_chan_send(results, good);
}

static void work(bool collect) {
  results = mw_chan_make(bool, 0);
  CHECK(intact(kept, 1000));
  for (uintptr_t i = 0; i < 4; i++) mw_go(works, (void *)(500 * i));
  for (int i = 0; i < 4; i++) {
    bool good = false;
    CHECK(mw_chan_recv(results, &good) && good);
  }
  if (!collect) return;
  mw_gc();
  CHECK(intact(kept, 1000));
}
static void work_a_little(void) {
  work(true);
}

static mw_mutex mutex;
static int counter;
static void counts(void *unused) {
  (void)unused;
  for (int i = 0; i < 1000; i++) {
    mw_mutex_lock(&mutex);
    counter++;
    mw_mutex_unlock(&mutex);
    if (i % 100 == 0) mw_yield();
  }
  mw_waitgroup_done(&done);
}

static _Atomic int finalized;
static void finalizer(void *obj, void *arg) {
  (void)obj, (void)arg;
  finalized++;
}
static __attribute__((noinline)) void make_garbage(void) {
  for (int i = 0; i < 100; i++) mw_set_finalizer(mw_new(node), finalizer, NULL);
}

static void reap(pid_t child) {
  int status = 0;
  CHECK(child > 0);
  while (waitpid(child, &status, 0) < 0) continue;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fprintf(stderr, "FAIL: child's status %x\n", (unsigned)status);
    _exit(1);
  }
}

static void work_a_lot(bool again) {
  CHECK(mw_num_goroutine() <= 1);
  work_a_little();
  /* nobody waits on the parent's channels any more */
  int v = 7, got = 0;
  CHECK(!mw_chan_try_send(shared, v));
  CHECK(mw_chan_try_recv(delivered, &got) == -1);
  mw_go(waits, NULL);
  mw_chan_send(shared, v);
  mw_go(offers, NULL);
  CHECK(mw_chan_recv(delivered, &got) && got == -1);
  /* time */
  int64_t before = mw_nanotime();
  mw_sleep(3000000);
  CHECK(mw_nanotime() - before >= 3000000);
  mw_ticker *t = mw_ticker_new(1000000);
  for (int i = 0; i < 3; i++) CHECK(mw_chan_recv(t->c, NULL));
  mw_ticker_stop(t);
  mw_case cases[] = {mw_case_recv(mw_chan_make(int, 0), NULL),
                     mw_case_recv(mw_after(1000000), NULL)};
  CHECK(mw_select(cases, 2) == 1);
  /* locks */
  done = (mw_waitgroup){0};
  mw_waitgroup_add(&done, 4);
  for (int i = 0; i < 4; i++) mw_go(counts, NULL);
  mw_waitgroup_wait(&done);
  CHECK(counter == 4000);
  counter = 0;
  /* more processors than before, and a lot of garbage */
  mw_set_max_procs(4);
  for (int i = 0; i < 2000; i++) CHECK(intact(list(100), 100));
  make_garbage();
  while (finalized < 90) {
    mw_gc();
    mw_sleep(1000000);
  }
  finalized = 0;
  if (!again) return;
  company();
  mw_sleep(5000000);
  pid_t child = fork();
  if (child == 0) {
    over = false;
    work_a_lot(false);
    _exit(0);
  }
  reap(child);
}

/* ---- Cases ------------------------------------------------------------------- */

static void child(void) {
  company();
  make_garbage(); /* the parent's finalizer goroutine is there */
  mw_sleep(20000000);
  pid_t pid = fork();
  if (pid == 0) {
    finalized = 0;
    work_a_lot(true);
    exit(0);
  }
  reap(pid);
}

static void loop(int n) {
  company_outside();
  for (int i = 0; i < n; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      work(i % 8 == 0);
      _exit(0);
    }
    reap(pid);
    CHECK(intact(kept, 1000));
  }
}

static void *loop_thread(void *n) {
  for (int i = 0; i < (int)(uintptr_t)n; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      work_a_little();
      if (i % 2) return NULL; /* the last thread: the process ends */
      _exit(0);
    }
    reap(pid);
  }
  return NULL;
}

static void forks(void *unused) {
  (void)unused;
  pid_t pid = fork();
  if (pid == 0) {
    work_a_little();
    return; /* and with it the child ends, with 0 */
  }
  reap(pid);
  mw_waitgroup_done(&done);
}

static void spawn(void) {
  company_outside();
  for (int i = 0; i < 30; i++) {
    pid_t pid;
    char *argv[] = {mw_strdup("sh"), mw_strdup("-c"), mw_sprintf("exit %d", i % 2), NULL};
    CHECK(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) == 0);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) continue;
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i % 2);
    CHECK(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) == 0);
    while (waitpid(pid, &status, 0) < 0) continue;
    CHECK(system("exit 3") == 3 << 8);
    CHECK(system(NULL) != 0);
    FILE *f = popen("echo hello", "r");
    char line[32] = "";
    CHECK(f && fgets(line, sizeof line, f) && strcmp(line, "hello\n") == 0);
    CHECK(pclose(f) == 0);
    pid = vfork();
    if (pid == 0) {
      execl("/bin/true", "true", (char *)NULL);
      _exit(9);
    }
    reap(pid);
  }
}

static _Atomic int prepared, after_parent, after_child;
static void on_prepare(void) {
  CHECK(intact(list(1000), 1000));
  mw_gc();
  prepared++;
}
static void on_parent(void) {
  CHECK(intact(list(1000), 1000));
  after_parent++;
}
static void on_child(void) {
  mw_gc();
  CHECK(intact(list(1000), 1000));
  after_child++;
}
static void handlers(void) {
  CHECK(pthread_atfork(on_prepare, on_parent, on_child) == 0);
  company_outside();
  for (int i = 0; i < 20; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      CHECK(after_child == 1);
      work_a_little();
      _exit(0);
    }
    reap(pid);
    CHECK(prepared == i + 1 && after_parent == i + 1 && after_child == 0);
  }
}

static void fork_below(void *unused) {
  (void)unused;
  pid_t pid = fork();
  if (pid == 0) {
    work_a_little();
    exit(0);
  }
  reap(pid);
}

static int ends[2];
static _Atomic bool waited;
static void writes(void *unused) {
  (void)unused;
  while (!waited && parked_as("[IO wait") == 0) mw_yield();
  CHECK(write(ends[1], "x", 1) == 1);
}

/* What is left of the parent's wait is an entry for 300 ms in a heap of timers. */
static void limits(void) {
  char c;
  CHECK(pipe(ends) == 0);
  mw_go(writes, NULL);
  struct pollfd fd = {.fd = ends[0], .events = POLLIN};
  CHECK(poll(&fd, 1, 300) >= 0);
  waited = true; /* where the machine is so slow that the limit came first, too */
  CHECK(read(ends[0], &c, 1) == 1);
  pid_t pid = fork();
  if (pid == 0) {
    CHECK(poll(&fd, 1, 400) == 0);
    _exit(0);
  }
  reap(pid);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "child";
  int n = argc > 2 ? atoi(argv[2]) : 1000;
  alarm(300);
  shared = mw_chan_make(int, 0);
  delivered = mw_chan_make(int, 0);
  kept = list(1000);
  if (strcmp(what, "child") == 0) {
    child();
  } else if (strcmp(what, "loop") == 0) {
    loop(n);
  } else if (strcmp(what, "thread") == 0) {
    company();
    pthread_t t;
    CHECK(pthread_create(&t, NULL, loop_thread, (void *)(uintptr_t)n) == 0);
    pthread_join(t, NULL);
  } else if (strcmp(what, "goroutine") == 0) {
    company();
    for (int i = 0; i < n; i++) begin(forks);
  } else if (strcmp(what, "spawn") == 0) {
    spawn();
  } else if (strcmp(what, "handlers") == 0) {
    handlers();
  } else if (strcmp(what, "callback") == 0) {
    company();
    for (int i = 0; i < 20; i++) plain_call(fork_below, NULL);
  } else if (strcmp(what, "limits") == 0) {
    limits();
  }
  finish();
  puts("ok");
  return 0;
}
