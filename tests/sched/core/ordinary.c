/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/ordinary.c -- what else ordinary C does, on goroutines
 *
 *     ordinary CASE
 *
 *   mutex      recursive, error-checking and robust mutexes, held across all that
 *              could move a goroutine; wanted by many
 *   cond, rwlock, stream   the same for conditions, read-write locks, flockfile
 *   c11        mtx_t, cnd_t, call_once, thrd_*
 *   jump       setjmp and longjmp across polls, collections and callbacks
 *   registers  a pointer that only the code after a longjmp needs
 *   exit       exit() on a goroutine: atexit's handlers allocate, block, use channels
 *   quick, under           quick_exit; _exit beside goroutines that run
 *   main-exits             pthread_exit in main: the last goroutine ends the process
 *   main-exits-threads     the last thread does, many times over
 *   thread-exits           pthread_exit in goroutines
 *   foreign    many short threads of the program's, their objects on their stacks
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#define CHECK_EXIT _exit
#include "../check.h"
#include "list.h"
#include "plain.h"
static _Atomic bool over;
static mw_waitgroup done;
static volatile unsigned sink;

static void spin_us(int us) {
  int64_t end = mw_nanotime() + us * INT64_C(1000);
  while (mw_nanotime() < end) sink++;
}

/* Whatever takes a goroutine off its thread. */
static void wander(unsigned i) {
  if (i % 4 == 0) mw_sleep(10000);
  if (i % 4 == 1) mw_yield();
  if (i % 4 == 2) CHECK(intact(list(20), 20));
  if (i % 64 == 3) spin_us(11000); /* past the time slice */
  if (i % 64 == 7) mw_gc();
}

static void several(void (*fn)(void *), int n) {
  mw_waitgroup_add(&done, n);
  for (int i = 0; i < n; i++) mw_go(fn, (void *)(uintptr_t)i);
  mw_waitgroup_wait(&done);
}

/* ---- Locks --------------------------------------------------------------- */

static pthread_mutex_t recursive, checking, robust, plain = PTHREAD_MUTEX_INITIALIZER;
static int counters[4];

static void locker(void *seed) {
  for (unsigned i = (unsigned)(uintptr_t)seed; i < 100 + (unsigned)(uintptr_t)seed; i++) {
    CHECK(pthread_mutex_lock(&recursive) == 0);
    wander(i);
    CHECK(pthread_mutex_lock(&recursive) == 0);
    int before = counters[0];
    wander(i + 1);
    CHECK(counters[0] == before); /* nobody else has it */
    counters[0]++;
    CHECK(pthread_mutex_unlock(&recursive) == 0);
    wander(i + 2);
    CHECK(pthread_mutex_unlock(&recursive) == 0);

    CHECK(pthread_mutex_lock(&checking) == 0);
    wander(i);
    CHECK(pthread_mutex_lock(&checking) == EDEADLK);
    counters[1]++;
    CHECK(pthread_mutex_unlock(&checking) == 0);
    CHECK(pthread_mutex_unlock(&checking) == EPERM);

    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 100;
    CHECK(pthread_mutex_timedlock(&robust, &at) == 0);
    wander(i);
    counters[2]++;
    CHECK(pthread_mutex_unlock(&robust) == 0);

    while (pthread_mutex_trylock(&plain) != 0) mw_yield();
    counters[3]++;
    wander(i);
    CHECK(pthread_mutex_unlock(&plain) == 0);
  }
  mw_waitgroup_done(&done);
}

/* Its owner has died with it: who gets it then is its owner all the same [LK1]. */
static void *die_with_it(void *unused) {
  CHECK(pthread_mutex_lock(&robust) == 0);
  return unused;
}

static void heir(void *unused) {
  (void)unused;
  for (unsigned i = 0; i < 20; i++) {
    pthread_t t;
    CHECK(pthread_create(&t, NULL, die_with_it, NULL) == 0 && pthread_join(t, NULL) == 0);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&robust) == 0);
    for (unsigned k = 0; k < 4; k++) wander(k);
    CHECK(pthread_mutex_unlock(&robust) == 0);
  }
  over = true;
  mw_waitgroup_done(&done);
}

static void wanderer(void *seed) {
  for (unsigned i = (unsigned)(uintptr_t)seed; !over; i++) wander(i);
  mw_waitgroup_done(&done);
}

static void mutex(void) {
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&recursive, &a);
  pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&checking, &a);
  pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &a);
  several(locker, 6);
  for (int i = 0; i < 4; i++) CHECK(counters[i] == 600);
  mw_go(heir, NULL);
  mw_waitgroup_add(&done, 1);
  several(wanderer, 6);
}

/* C11's, the same way. */
static mtx_t c11_recursive, c11_timed;
static cnd_t c11_cnd;
static once_flag c11_once = ONCE_FLAG_INIT;
static _Atomic int once_runs;
static int c11_turn;
static tss_t c11_key;

static void c11_init(void) {
  for (unsigned i = 0; i < 4; i++) wander(i); /* the others wait for this */
  CHECK(mtx_init(&c11_recursive, mtx_plain | mtx_recursive) == thrd_success);
  CHECK(mtx_init(&c11_timed, mtx_timed) == thrd_success);
  CHECK(cnd_init(&c11_cnd) == thrd_success);
  CHECK(tss_create(&c11_key, NULL) == thrd_success);
  once_runs++;
}

static void c11_locker(void *seed) {
  unsigned me = (unsigned)(uintptr_t)seed;
  call_once(&c11_once, c11_init);
  CHECK(once_runs == 1);
  for (unsigned i = me; i < 100 + me; i++) {
    CHECK(mtx_lock(&c11_recursive) == thrd_success);
    thrd_t thread = thrd_current();
    wander(i);
    CHECK(mtx_trylock(&c11_recursive) == thrd_success);
    int before = counters[0];
    wander(i + 1);
    CHECK(counters[0] == before && thrd_equal(thread, thrd_current()));
    counters[0]++;
    CHECK(mtx_unlock(&c11_recursive) == thrd_success);
    wander(i + 2);
    CHECK(thrd_equal(thread, thrd_current()));
    CHECK(mtx_unlock(&c11_recursive) == thrd_success);

    struct timespec at;
    timespec_get(&at, TIME_UTC);
    at.tv_sec += 100;
    CHECK(mtx_timedlock(&c11_timed, &at) == thrd_success);
    if (i % 10 == 0) {
      at.tv_sec -= 200; /* long past */
      CHECK(cnd_timedwait(&c11_cnd, &c11_timed, &at) == thrd_timedout);
    }
    counters[1]++;
    CHECK(mtx_unlock(&c11_timed) == thrd_success);
    thrd_yield();
    struct timespec us = {.tv_nsec = 1000};
    CHECK(thrd_sleep(&us, NULL) == 0);
    us.tv_nsec = -1;
    CHECK(thrd_sleep(&us, NULL) < -1);
  }
  for (int i = 0; i < 30; i++) {
    CHECK(mtx_lock(&c11_timed) == thrd_success);
    while (c11_turn % 6 != (int)me) CHECK(cnd_wait(&c11_cnd, &c11_timed) == thrd_success);
    wander((unsigned)i);
    c11_turn++;
    CHECK(cnd_broadcast(&c11_cnd) == thrd_success);
    CHECK(mtx_unlock(&c11_timed) == thrd_success);
  }
  mw_waitgroup_done(&done);
}

static int c11_thread(void *list_of_20) {
  CHECK(tss_set(c11_key, list_of_20) == thrd_success);
  CHECK(mtx_lock(&c11_timed) == thrd_success);
  counters[2]++;
  CHECK(mtx_unlock(&c11_timed) == thrd_success);
  CHECK(intact(list(20), 20) && tss_get(c11_key) == list_of_20);
  thrd_exit(7);
}

static void c11(void) {
  several(c11_locker, 6);
  CHECK(counters[0] == 600 && counters[1] == 600 && c11_turn == 180);
  for (int i = 0; i < 20; i++) {
    thrd_t t;
    int result = 0;
    CHECK(thrd_create(&t, c11_thread, list(20)) == thrd_success);
    CHECK(thrd_join(t, &result) == thrd_success && result == 7);
  }
  CHECK(counters[2] == 20);
  CHECK(mtx_lock(&c11_timed) == thrd_success && mtx_trylock(&c11_timed) == thrd_busy);
  struct timespec at;
  timespec_get(&at, TIME_UTC);
  CHECK(mtx_timedlock(&c11_timed, &at) == thrd_timedout);
  CHECK(mtx_unlock(&c11_timed) == thrd_success);
  CHECK(sched_yield() == 0);
}

static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int turn;
static void taker(void *me) {
  for (int i = 0; i < 50; i++) {
    CHECK(pthread_mutex_lock(&plain) == 0);
    while (turn % 4 != (int)(uintptr_t)me) CHECK(pthread_cond_wait(&cond, &plain) == 0);
    wander((unsigned)i);
    turn++;
    CHECK(pthread_cond_broadcast(&cond) == 0);
    CHECK(pthread_mutex_unlock(&plain) == 0);
  }
  mw_waitgroup_done(&done);
}

static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static int written;
static void reader_writer(void *seed) {
  for (unsigned i = 0; i < 100; i++) {
    if ((i + (uintptr_t)seed) % 5 == 0) {
      CHECK(pthread_rwlock_wrlock(&rw) == 0);
      int before = written;
      wander(i);
      CHECK(written == before);
      written++;
    } else {
      CHECK(pthread_rwlock_rdlock(&rw) == 0);
      int before = written;
      wander(i);
      CHECK(written == before);
    }
    CHECK(pthread_rwlock_unlock(&rw) == 0);
  }
  mw_waitgroup_done(&done);
}

static FILE *shared;
static void writer(void *me) {
  for (unsigned i = 0; i < 50; i++) {
    flockfile(shared);
    fprintf(shared, "%d", (int)(uintptr_t)me);
    wander(i);
    fprintf(shared, "%d\n", (int)(uintptr_t)me);
    funlockfile(shared);
  }
  mw_waitgroup_done(&done);
}
static void stream(void) {
  shared = tmpfile();
  CHECK(shared);
  several(writer, 5);
  rewind(shared);
  char line[16];
  int lines = 0;
  for (; fgets(line, sizeof line, shared); lines++) CHECK(line[0] == line[1] && line[2] == '\n');
  CHECK(lines == 250);
}

/* ---- Jumps ---------------------------------------------------------------- */

static void throws(void *env) {
  wander(2);
  longjmp(*(jmp_buf *)env, 7);
}
static __attribute__((noinline)) void deep(jmp_buf *env, int depth) {
  CHECK(intact(list(3), 3));
  if (depth) {
    deep(env, depth - 1);
  } else if (mw_nanotime() % 2) {
    plain_call(throws, env);
  } else {
    throws(env);
  }
  sink++;
}
static void jumper(void *seed) {
  for (volatile unsigned i = (unsigned)(uintptr_t)seed; i < 300; i++) {
    node *volatile kept = list(10);
    jmp_buf env;
    int r = setjmp(env);
    if (r == 0) deep(&env, (int)(i % 20));
    CHECK(r == 7 && intact(kept, 10));
    wander(i);
  }
  mw_waitgroup_done(&done);
}

typedef struct saved {
  jmp_buf env;
  struct saved *other;
} saved;
static jmp_buf global_env;
static saved *heap_env;

static __attribute__((noinline)) void wipe(void) {
  volatile unsigned old[2048]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 2048; i++) old[i] = 0;
}
static __attribute__((noinline)) void leave(jmp_buf env) {
  wipe();
  for (int i = 0; i < 3; i++) mw_gc();
  for (int i = 0; i < 200; i++) (void)list(20); /* takes what was freed */
  longjmp(env, 1);
}
/* kept is needed only by the second return: the first may let its register go. */
static __attribute__((noinline)) void keeps(jmp_buf env, unsigned long n) {
  node *kept = list(n);
  if (setjmp(env)) {
    CHECK(intact(kept, n));
    return;
  }
  leave(env);
}
static void registers(void) {
  for (unsigned long n = 1; n < 20; n++) {
    keeps(global_env, n);
    heap_env = mw_new(saved);
    keeps(heap_env->env, n);
  }
}

/* ---- Ends ------------------------------------------------------------------- */

static void runs(void *unused) {
  (void)unused;
  for (;;) CHECK(intact(list(50), 50));
}
static mw_chan *questions;
static void answers(void *unused) {
  (void)unused;
  int v;
  while (mw_chan_recv(questions, &v)) mw_yield();
}
static void at_end(void) {
  CHECK(intact(list(1000), 1000));
  mw_gc();
  int v = 1;
  mw_chan_send(questions, v);
  mw_sleep(1000000);
  puts("at end");
}
static void ends(void *status) {
  exit((int)(uintptr_t)status);
}
static void quick_end(void) {
  (void)!write(1, "quick end\n", 10);
}
static void under(void *unused) {
  (void)unused;
  _exit(5);
}
static void exits_thread(void *unused) {
  (void)unused;
  wander(0);
  mw_waitgroup_done(&done);
  pthread_exit(NULL);
}
static void last(void *unused) {
  (void)unused;
  mw_sleep(20000000);
  puts("last");
}

static void *last_thread(void *told) {
  mw_chan_send((mw_chan *)told, 1);
  mw_sleep(1000000);
  (void)list(100);
  return NULL;
}
/* Each process has one thread left, whose end the scheduler's threads see as well. */
static void main_exits_threads(void) {
  for (int i = 0; i < 100; i++) {
    pid_t p = fork();
    CHECK(p >= 0);
    if (!p) {
      mw_chan *told = mw_chan_make(int, 0);
      pthread_t t;
      CHECK(pthread_create(&t, NULL, last_thread, told) == 0);
      mw_chan_recv(told, NULL);
      pthread_exit(NULL);
    }
    int status;
    CHECK(waitpid(p, &status, 0) == p && status == 0);
  }
}

static void *short_thread(void *n) {
  node *mine = list((uintptr_t)n);
  mw_gc();
  (void)list(200);
  mw_sleep(10000);
  CHECK(intact(mine, (uintptr_t)n));
  return NULL;
}
static void foreign(void) {
  for (int round = 0; round < 100; round++) {
    pthread_t t[8];
    for (uintptr_t i = 0; i < 8; i++)
      CHECK(pthread_create(&t[i], NULL, short_thread, (void *)(100 * i)) == 0);
    for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
  }
  CHECK(mw_num_goroutine() == 1);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "mutex";
#define IS(s) (strcmp(what, s) == 0)
  questions = mw_chan_make(int, 0);
  if (IS("mutex")) mutex();
  if (IS("cond")) {
    several(taker, 4);
    CHECK(turn == 200);
  }
  if (IS("rwlock")) several(reader_writer, 6);
  if (IS("c11")) c11();
  if (IS("stream")) stream();
  if (IS("jump")) several(jumper, 4);
  if (IS("registers")) registers();
  if (IS("foreign")) foreign();
  if (IS("exit") || IS("quick") || IS("under")) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(at_end);
    at_quick_exit(quick_end);
    for (int i = 0; i < 3; i++) mw_go(runs, NULL);
    mw_go(answers, NULL);
    mw_go(answers, NULL);
    if (IS("quick")) quick_exit(4);
    mw_go(IS("exit") ? ends : under, (void *)3);
    for (;;) mw_sleep(INT64_C(30000000000));
  }
  if (IS("thread-exits")) several(exits_thread, 50);
  if (IS("main-exits-threads")) main_exits_threads();
  if (IS("main-exits")) {
    mw_go(last, NULL);
    pthread_exit(NULL);
  }
  over = true;
  puts("ok");
  return 0;
}
