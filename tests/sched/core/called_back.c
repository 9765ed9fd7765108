/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/called_back.c -- code that external code called stays on its thread [X1]
 *
 *     called_back stays|returns|leaves|cookie|locked|stoppers|deadlock|deadlock-last
 *
 *   stays     in a callback, and in a callback of a callback: channels, sleep,
 *             yield, preemption, a mutex and collections leave it on its thread
 *   returns   after the callback has returned, or was left by longjmp, the
 *             goroutine wanders again
 *   leaves    mw_goexit in a callback: the thread goes on
 *   cookie    a stream with functions of the program's: printf calls back
 *   locked    mw_thread_lock, which nests
 *   stoppers  callbacks that stop the world, beside collections, which keep callbacks
 *             held: whoever waits for its turn to stop is held without having it
 *   deadlock  main and another wait in callbacks for ever: that is seen, also (deadlock-last) by
 *             the thread of the one in a callback
 *
 * Each with others that want the processors.  GOMAXPROCS: the environment's.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../parked.h"
#include "../check.h"
#include "plain.h"

static _Atomic bool over;
static mw_waitgroup done;
static mw_chan *ping, *pong;
static mw_mutex mutex;
static volatile unsigned sink;

static void echo(void *unused) {
  (void)unused;
  int v;
  while (mw_chan_recv(ping, &v)) mw_chan_send(pong, v);
}

static void busy(void *unused) {
  (void)unused;
  for (unsigned i = 0; !over; i++) {
    sink++;
    if (i % 1000 == 0) {
      mw_mutex_lock(&mutex);
      mw_yield();
      mw_mutex_unlock(&mutex);
    }
  }
}

static void spin_ms(int ms) {
  int64_t end = mw_nanotime() + ms * INT64_C(1000000);
  while (mw_nanotime() < end) sink++;
}

/* Everything that can take a goroutine off its thread. */
static void wander(void) {
  for (int i = 0; i < 5; i++) {
    int v = i, got;
    mw_chan_send(ping, v);
    mw_chan_recv(pong, &got);
    mw_sleep(50000);
    mw_yield();
    mw_mutex_lock(&mutex);
    mw_yield();
    mw_mutex_unlock(&mutex);
  }
  spin_ms(25); /* more than a time slice */
}

static void in_callback(void *depth) {
  pid_t tid = gettid();
  wander();
  CHECK(gettid() == tid);
  mw_gc();
  CHECK(gettid() == tid);
  if ((uintptr_t)depth > 0) plain_call(in_callback, (void *)((uintptr_t)depth - 1));
  CHECK(gettid() == tid);
  wander();
  CHECK(gettid() == tid);
}

static void caller(void *unused) {
  (void)unused;
  for (int i = 0; i < 3; i++) plain_call(in_callback, (void *)(uintptr_t)i);
  mw_waitgroup_done(&done);
}

static void several(void (*fn)(void *), int n) {
  mw_waitgroup_add(&done, n);
  for (int i = 0; i < n; i++) mw_go(fn, NULL);
  mw_waitgroup_wait(&done);
}

/* Does the calling goroutine keep its thread while it waits?  From the trace
 * that another one takes of it. */
static mw_sem seen; /* who waits here is looked at, one at a time */
static bool kept;
static void spy(void *unused) {
  (void)unused;
  until_parked(1, "[semacquire");
  kept = parked_as("[semacquire, locked to thread") == 1;
  mw_sem_release(&seen);
}
static bool bound(void) {
  mw_go(spy, NULL);
  mw_sem_acquire(&seen);
  return kept;
}
static bool moves(void) {
  return !bound();
}

static void spied_on(void *unused) {
  (void)unused;
  CHECK(bound());
}

static jmp_buf out;
static void jumps_out(void *unused) {
  (void)unused;
  wander();
  longjmp(out, 1);
}

static void exits(void *unused) {
  (void)unused;
  wander();
  mw_waitgroup_done(&done);
  mw_goexit();
}
static void leaver(void *unused) {
  plain_call(exits, unused);
}

static pid_t cookie_tid;
static int written;
static ssize_t cookie_write(void *cookie, const char *buf, size_t n) {
  (void)buf;
  CHECK(gettid() == cookie_tid);
  wander();
  CHECK(gettid() == cookie_tid); /* the stream's lock is this thread's */
  ++*(int *)cookie;
  return (ssize_t)n;
}
static void cookie(void *unused) {
  (void)unused;
  FILE *f = fopencookie(&written, "w", (cookie_io_functions_t){.write = cookie_write});
  CHECK(f);
  for (int i = 0; i < 5; i++) {
    mw_thread_lock();
    cookie_tid = gettid();
    fprintf(f, "line %d\n", i);
    fflush(f);
    mw_thread_unlock();
  }
  fclose(f);
  mw_waitgroup_done(&done);
}

static void locked(void *unused) {
  (void)unused;
  mw_thread_lock();
  pid_t tid = gettid();
  mw_thread_lock();
  wander();
  mw_thread_unlock();
  wander();
  CHECK(gettid() == tid);
  mw_thread_unlock();
  mw_thread_unlock(); /* nothing */
  mw_thread_lock();
  spied_on(NULL);
  mw_thread_unlock();
  CHECK(moves());
  mw_waitgroup_done(&done);
}

static void stops(void *unused) {
  (void)unused;
  mw_mem_stats stats;
  for (int i = 0; i < 400; i++) mw_read_mem_stats(&stats);
}
static void stopper(void *unused) {
  plain_call(stops, unused);
  mw_waitgroup_done(&done);
}
static void collects(void *unused) {
  (void)unused;
  while (!over) {
    for (int i = 0; i < 1000; i++) mw_alloc(100);
    mw_gc();
  }
}

static void waits(void *unused) {
  (void)unused;
  mw_chan_recv(mw_chan_make(int, 0), NULL);
}
static void waits_in_callback(void *unused) {
  plain_call(waits, unused);
}

static void waits_last(void *unused) {
  mw_sleep(5000000);
  waits_in_callback(unused);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "stays";
  if (strcmp(what, "deadlock-last") == 0) { /* its own thread finds out */
    mw_go(waits_last, NULL);
    waits(NULL);
  }
  if (strcmp(what, "deadlock") == 0) {
    mw_go(waits_in_callback, NULL);
    mw_sleep(1000000);
    waits_in_callback(NULL);
  }
  ping = mw_chan_make(int, 0);
  pong = mw_chan_make(int, 2);
  for (int i = 0; i < 3; i++) mw_go(echo, NULL);
  /* a callback is kept held only if some thread is idle, to look at its stack */
  for (int i = 0; i < 3 && strcmp(what, "stoppers") != 0; i++) mw_go(busy, NULL);
  if (strcmp(what, "stays") == 0) {
    several(caller, 3);
  } else if (strcmp(what, "returns") == 0) {
    plain_call(in_callback, NULL);
    CHECK(moves());
    plain_call(spied_on, NULL);
    CHECK(moves());
    if (!setjmp(out)) plain_call(jumps_out, NULL);
    CHECK(moves());
  } else if (strcmp(what, "leaves") == 0) {
    several(leaver, 20);
    CHECK(mw_num_goroutine() >= 7);
  } else if (strcmp(what, "cookie") == 0) {
    several(cookie, 1);
    CHECK(written == 5);
  } else if (strcmp(what, "locked") == 0) {
    several(locked, 1);
  } else if (strcmp(what, "stoppers") == 0) {
    mw_go(collects, NULL);
    several(stopper, 3);
  }
  over = true;
  puts("ok");
  return 0;
}
