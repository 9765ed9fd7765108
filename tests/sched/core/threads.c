/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/threads.c -- threads that the runtime did not make
 *
 *     threads CASE
 *
 * Cases    pthreads   short-lived ones under running cycles; their records are reused
 *          c11        the same through thrd_create
 *          late       a thread-specific value's destructor uses the runtime again,
 *                     after the thread was detached
 *          busy       while all processors are busy or go idle at this moment
 *          libc       while others hold libc's locks inside plain code: malloc's,
 *                     the linker's, the cache of stacks
 *          pending    a signal's handler runs on a new thread before any of its code, for a
 *                     while, beside its creator, which allocates
 *          deadlock   not while a thread may still send; once it has ended, yes
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "plain.h"

typedef struct node {
  struct node *next;
  long value;
} node;

static _Atomic bool over;
static _Atomic long total;
static mw_waitgroup done;
static pthread_key_t key;
static bool with_key;

static void build(void) {
  node *head = NULL;
  for (long i = 0; i < 200; i++) {
    node *n = mw_new(node);
    n->next = head;
    n->value = i;
    head = n;
  }
  long sum = 0;
  for (node *n = head; n; n = n->next) sum += n->value;
  if (sum != 199 * 200 / 2) {
    puts("FAIL: a list changed");
    exit(1);
  }
  total++;
}

static void *visitor(void *arg) {
  (void)arg;
  build();
  if (with_key) pthread_setspecific(key, &key);
  return NULL;
}
static int c11_visitor(void *arg) {
  visitor(arg);
  return 77;
}
static void again(void *arg) {
  (void)arg;
  build();
}

static void collect(void *arg) {
  (void)arg;
  while (!over) {
    mw_gc();
    build();
  }
  mw_waitgroup_done(&done);
}

static void napper(void *arg) {
  (void)arg;
  while (!over) {
    mw_sleep(20000);
    build();
  }
  mw_waitgroup_done(&done);
}

static void libc_user(void *arg) {
  (void)arg;
  while (!over) plain_libc_locks();
  mw_waitgroup_done(&done);
}

/* External code that keeps its thread, so that others are made. */
static void blocker(void *arg) {
  plain_block_ms((int)(intptr_t)arg);
  mw_waitgroup_done(&done);
}

static void begin(void (*fn)(void *), intptr_t arg) {
  mw_waitgroup_add(&done, 1);
  mw_go(fn, (void *)arg);
}

static int64_t rss_kb(void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%*d %ld", &pages) != 1) exit(1);
  fclose(f);
  return pages * 4;
}

static void visit(int n) {
  for (int i = 0; i < n; i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, visitor, NULL) != 0) exit(1);
    pthread_join(t, NULL);
  }
}

static _Atomic int pending_state; /* 1: the handler has begun, 2: and ended */
static node *_Atomic pending_store;
static _Atomic pid_t pending_thread;
static void on_pending(int sig) {
  (void)sig;
  pending_state = 1;
  pending_thread = gettid();
  plain_block_ms(20);
  pending_store = pending_store->next; /* a barrier */
  pending_state = 2;
}
static void *pending_visitor(void *at) {
  *(pid_t *)at = gettid();
  build();
  return NULL;
}

/* Blocked by everybody but the thread to be, which its attributes let have it. */
static void pending(void) {
  sigset_t none, usr1;
  pthread_attr_t attr;
  signal(SIGUSR1, on_pending);
  sigemptyset(&none);
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, NULL);
  pthread_attr_init(&attr);
  if (pthread_attr_setsigmask_np(&attr, &none) != 0) exit(1);
  for (int i = 0; i < 20; i++) {
    pending_state = 0;
    pending_store = mw_new(node);
    pthread_t t;
    pid_t tid = 0;
    kill(getpid(), SIGUSR1);
    if (pthread_create(&t, &attr, pending_visitor, &tid) != 0) exit(1);
    while (pending_state < 2) build();
    pthread_join(t, NULL);
    if (tid == 0 || pending_thread != tid || pending_store != NULL) {
      puts("FAIL: the new thread has not had the signal, or lost its store");
      exit(1);
    }
  }
}

static mw_chan *late_chan;
static void *late_sender(void *arg) {
  (void)arg;
  plain_block_ms(300);
  mw_chan_send(late_chan, 5);
  plain_block_ms(300);
  return NULL;
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "pthreads") == 0) {
    begin(collect, 0);
    visit(200);
    /* At first threads of the runtime's and their caches come, too. */
    for (int round = 0;; round++) {
      int64_t before = rss_kb();
      visit(1500);
      int64_t grown = rss_kb() - before;
      printf("1500 threads: %ld KB more\n", (long)grown);
      if (grown <= 2048) break;
      if (round == 10) return 1;
    }
  } else if (strcmp(what, "c11") == 0) {
    begin(collect, 0);
    for (int i = 0; i < 500; i++) {
      thrd_t t;
      int r = 0;
      if (thrd_create(&t, c11_visitor, NULL) != thrd_success) return 1;
      if (thrd_join(t, &r) != thrd_success || r != 77) return 1;
    }
  } else if (strcmp(what, "late") == 0) {
    with_key = pthread_key_create(&key, again) == 0;
    begin(collect, 0);
    visit(500);
  } else if (strcmp(what, "busy") == 0) {
    for (int i = 0; i < 3; i++) begin(napper, 0);
    visit(1500);
  } else if (strcmp(what, "libc") == 0) {
    for (int i = 0; i < 4; i++) begin(libc_user, 0);
    begin(collect, 0);
    for (int i = 0; i < 300; i++) {
      begin(blocker, 400); /* each wants a thread more */
      visit(1);
    }
  } else if (strcmp(what, "pending") == 0) {
    pending();
  } else if (strcmp(what, "deadlock") == 0) {
    late_chan = mw_chan_make(int, 0);
    pthread_t t;
    pthread_create(&t, NULL, late_sender, NULL);
    int got = 0;
    mw_chan_recv(late_chan, &got);
    if (got != 5) return 1;
    puts("received");
    fflush(stdout);
    mw_chan_recv(late_chan, &got);
  } else {
    return 64;
  }
  over = true;
  mw_waitgroup_wait(&done);
  puts("ok");
  return 0;
}
