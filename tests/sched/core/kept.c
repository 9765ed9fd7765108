/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/kept.c -- objects that only libc or the kernel holds come back whole [KP1]
 *
 *     kept threads|exits|c11|tries|names|detached|values|timers|epoll|cookie|end
 *
 *   threads   pthread_create's argument, which the creator has no longer; pthread_join's result
 *   exits     the result of pthread_exit
 *   c11       thrd_create's argument
 *   tries     pthread_tryjoin_np, pthread_timedjoin_np, pthread_clockjoin_np
 *   names     threads that are joined at once, beside others, which get their names
 *   detached  results of threads that nobody joins, detached before, by themselves and after
 *   values    thread-specific, of a thread that is in another value's destructor, external code
 *   timers    the value of a timer's event, by thread and by signal, until timer_delete
 *   epoll     data.ptr: added, changed, deleted, and after close where a duplicate is there
 *   cookie    fopencookie's, until fclose, with a function for closing and without
 *   end       on_exit's argument
 *
 * Run with clobberfree, so that a lost object shows.  Afterwards nothing is kept: weak pointers
 * to most of what went through become NULL (an old word on a stack may keep one or two).
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "../check.h"
#include "plain.h"

enum { N = 24, MAGIC = 0x5ca1ab1e };

typedef struct object {
  long magic, value;
  struct object *next;
  char room[40];
} object;

static mw_weak weak[N];

static object *make(int i) {
  object *o = mw_new(object);
  object *rest = mw_new(object);
  *rest = (object){.magic = MAGIC, .value = 1000 + i};
  *o = (object){.magic = MAGIC, .value = i, .next = rest};
  weak[i] = mw_weak_make(o);
  return o;
}

static int whole(const object *o) {
  CHECK(o && o->magic == MAGIC && o->next->magic == MAGIC && o->next->value == 1000 + o->value);
  return (int)o->value;
}

/* What is not kept is lost. */
__attribute__((noinline)) static void collect(void) {
  volatile char old_frames[4096];
  memset((char *)old_frames, 0, sizeof old_frames);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 200; j++) mw_keep_alive(mw_new(object));
    mw_gc();
  }
}

static int alive(void) {
  int n = 0;
  for (int i = 0; i < N; i++) n += mw_weak_get(weak[i]) != NULL;
  return n;
}

static void all_let_go(void) {
  /* Threads that nobody joins may not have ended.  Where some are kept, the test's time limit
   * tells. */
  for (collect(); alive() > 2; collect()) mw_sleep(1000000);
}

/* ---- Threads -------------------------------------------------------------- */

static sem_t at_end;
static bool by_exit;

static void *thread(void *p) {
  int i = whole(p);
  if (i % 2) collect();
  whole(p);
  object *result = make(i);
  if (by_exit) pthread_exit(result);
  return result;
}

static pthread_t threads[N];
__attribute__((noinline)) static void begin(void *(*fn)(void *), const pthread_attr_t *attr) {
  for (int i = 0; i < N; i++) CHECK(pthread_create(&threads[i], attr, fn, make(i)) == 0);
}

__attribute__((noinline)) static void join_all(void) {
  for (int i = 0; i < N; i++) {
    void *result = NULL;
    CHECK(pthread_join(threads[i], &result) == 0);
    if (i % 8 == 0) collect();
    CHECK(whole(result) == i);
  }
}

static void joins(void) {
  begin(thread, NULL);
  collect();
  join_all();
  all_let_go();
}

__attribute__((noinline)) static void join_somehow(int i) {
  struct timespec at;
  void *result = NULL;
  clock_gettime(i % 3 == 1 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &at);
  at.tv_sec += 1000;
  int e;
  if (i % 3 == 0)
    while ((e = pthread_tryjoin_np(threads[i], &result)) == EBUSY) mw_yield();
  else if (i % 3 == 1)
    e = pthread_timedjoin_np(threads[i], &result, &at);
  else
    e = pthread_clockjoin_np(threads[i], &result, CLOCK_MONOTONIC, &at);
  CHECK(e == 0);
  CHECK(whole(result) == i);
}

static void tries(void) {
  begin(thread, NULL);
  collect();
  for (int i = 0; i < N; i++) join_somehow(i);
  all_let_go();
}

static void *gives_a_new_one(void *p) {
  int i = whole(p);
  object *o = mw_new(object), *rest = mw_new(object);
  *rest = (object){.magic = MAGIC, .value = 1001 + i};
  *o = (object){.magic = MAGIC, .value = i + 1, .next = rest};
  return o;
}

static void *joins_many(void *p) {
  object *o = p;
  int from = whole(o);
  for (int i = from; i < from + 300; i++) {
    pthread_t t;
    void *result = NULL;
    CHECK(pthread_create(&t, NULL, gives_a_new_one, o) == 0);
    for (int j = 0; j < 20; j++) mw_keep_alive(mw_new(object));
    CHECK(pthread_join(t, &result) == 0 && whole(result) == i + 1);
    o = result;
  }
  return o;
}

static void names(void) {
  enum { JOINERS = 8 };
  for (int i = 0; i < JOINERS; i++)
    CHECK(pthread_create(&threads[i], NULL, joins_many, make(i)) == 0);
  for (int i = 0; i < JOINERS; i++) {
    void *result = NULL;
    CHECK(pthread_join(threads[i], &result) == 0 && whole(result) == i + 300);
  }
}

static int c11_thread(void *p) {
  collect();
  return whole(p);
}

__attribute__((noinline)) static void c11_begin(thrd_t *t) {
  for (int i = 0; i < N; i++) CHECK(thrd_create(&t[i], c11_thread, make(i)) == thrd_success);
}

static void c11(void) {
  thrd_t t[N];
  c11_begin(t);
  collect();
  for (int i = 0; i < N; i++) {
    int result;
    CHECK(thrd_join(t[i], &result) == thrd_success && result == i);
  }
  all_let_go();
}

static void *detached_thread(void *p) {
  int i = whole(p);
  if (i % 3 == 1) CHECK(pthread_detach(pthread_self()) == 0);
  object *result = make(i);
  sem_post(&at_end);
  return result;
}

static void detached(void) {
  CHECK(sem_init(&at_end, 0, 0) == 0);
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  begin(detached_thread, NULL); /* every third by itself; the others when they have ended, or not */
  for (int i = 0; i < N; i++)
    if (i % 3 != 1) CHECK(pthread_detach(threads[i]) == 0);
  for (int i = 0; i < N; i++) CHECK(sem_wait(&at_end) == 0);
  all_let_go();
  for (int i = 0; i < N; i++) {
    pthread_t t;
    CHECK(pthread_create(&t, &attr, thread, make(i)) == 0);
  }
  all_let_go();
}

static pthread_key_t slow, keys[N];
static struct plain_gate gate;
static _Atomic int destroyed;
static void destroy(void *p) {
  whole(p);
  destroyed++;
}
static void *has_values(void *unused) {
  for (int i = 0; i < N; i++) CHECK(pthread_setspecific(keys[i], make(i)) == 0);
  CHECK(pthread_setspecific(slow, &gate) == 0);
  return unused;
}
static object *volatile anything;
static void *meets_the_runtime(void *unused) {
  anything = make(0);
  return unused;
}

static void values(void) {
  pthread_t t;
  CHECK(pthread_create(&t, NULL, meets_the_runtime, NULL) == 0 && pthread_join(t, NULL) == 0);
  /* libc calls destructors in the order of the keys: the runtime's is the first. */
  CHECK(pthread_key_create(&slow, plain_destructor) == 0);
  for (int i = 0; i < N; i++) CHECK(pthread_key_create(&keys[i], destroy) == 0);
  CHECK(pthread_create(&t, NULL, has_values, NULL) == 0);
  plain_block_until(&gate.there, 1);
  collect();
  CHECK(alive() == N);
  gate.go = 1;
  CHECK(pthread_join(t, NULL) == 0 && destroyed == N);
  anything = NULL;
  all_let_go();
}

/* ---- Events ---------------------------------------------------------------- */

static _Atomic int sum;
static void on_time(union sigval v) {
  sum += whole(v.sival_ptr);
  sem_post(&at_end);
}
static void on_signal(int sig, siginfo_t *info, void *context) {
  (void)sig, (void)context;
  sum += whole(info->si_value.sival_ptr);
  sem_post(&at_end);
}

static timer_t timers[N];
__attribute__((noinline)) static void make_timers(void) {
  for (int i = 0; i < N; i++) {
    struct sigevent e = {.sigev_notify = i % 2 ? SIGEV_THREAD : SIGEV_SIGNAL,
                         .sigev_signo = SIGRTMIN + 3,
                         .sigev_value.sival_ptr = make(i)};
    if (i % 2) e.sigev_notify_function = on_time;
    CHECK(timer_create(CLOCK_MONOTONIC, &e, &timers[i]) == 0);
  }
}

static void timed(void) {
  CHECK(sem_init(&at_end, 0, 0) == 0);
  struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
  CHECK(sigaction(SIGRTMIN + 3, &a, NULL) == 0);
  make_timers();
  collect();
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < N; i++) {
      struct itimerspec soon = {.it_value.tv_nsec = 1};
      CHECK(timer_settime(timers[i], 0, &soon, NULL) == 0);
    }
    for (int i = 0; i < N; i++)
      while (sem_wait(&at_end) != 0) CHECK(errno == EINTR);
    collect();
  }
  CHECK(sum == N * (N - 1));
  for (int i = 0; i < N; i++) CHECK(timer_delete(timers[i]) == 0);
  all_let_go();
}

static int set, fds[N];
__attribute__((noinline)) static void watch(int op, int i) {
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = make(i)};
  CHECK(epoll_ctl(set, op, fds[i], &e) == 0);
}

__attribute__((noinline)) static int events(void) {
  struct epoll_event e[N];
  int n = epoll_wait(set, e, N, -1), total = 0;
  for (int i = 0; i < n; i++) total += whole(e[i].data.ptr);
  return n * 10000 + total;
}

static void epoll(void) {
  set = epoll_create1(0);
  for (int i = 0; i < N; i++) {
    CHECK((fds[i] = eventfd(1, 0)) >= 0);
    watch(EPOLL_CTL_ADD, i);
  }
  collect();
  CHECK(events() == N * 10000 + N * (N - 1) / 2);
  CHECK(alive() == N);
  for (int i = 0; i < N; i++) watch(EPOLL_CTL_MOD, i); /* and the first are let go */
  collect();
  CHECK(events() == N * 10000 + N * (N - 1) / 2);
  int copy = dup(fds[0]); /* the set has what both name, until both are closed */
  CHECK(copy >= 0 && close(fds[0]) == 0);
  collect();
  CHECK(events() == N * 10000 + N * (N - 1) / 2);
  CHECK(close(copy) == 0 && (fds[0] = eventfd(1, 0)) >= 0);
  watch(EPOLL_CTL_ADD, 0);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = make(1)};
  CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fds[1], &e) == -1 && errno == EEXIST);
  e = (struct epoll_event){0};
  CHECK(epoll_ctl(set, EPOLL_CTL_MOD, fds[1], NULL) == -1 && errno == EFAULT);
  collect();
  CHECK(events() == N * 10000 + N * (N - 1) / 2); /* what failed changed nothing */
  for (int i = 0; i < N; i++) CHECK(epoll_ctl(set, EPOLL_CTL_DEL, fds[i], i % 2 ? &e : NULL) == 0);
  all_let_go();
}

/* ---- Streams, the end -------------------------------------------------------- */

static long written, closed;
static ssize_t cookie_write(void *cookie, const char *buf, size_t n) {
  (void)buf;
  collect();
  whole(cookie);
  written += (long)n;
  return (ssize_t)n;
}
static ssize_t cookie_read(void *cookie, char *buf, size_t n) {
  whole(cookie);
  memset(buf, 'r', n < 3 ? n : 3);
  return n < 3 ? (ssize_t)n : 3;
}
static int cookie_seek(void *cookie, off64_t *at, int whence) {
  (void)whence;
  *at = whole(cookie);
  return 0;
}
static int cookie_close(void *cookie) {
  closed += whole(cookie) + 1;
  return 0;
}

__attribute__((noinline)) static FILE *stream(int i) {
  cookie_io_functions_t f = {cookie_read, cookie_write, cookie_seek, i % 2 ? cookie_close : NULL};
  FILE *s = fopencookie(make(i), "r+", f);
  CHECK(s);
  return s;
}

static void cookies(void) {
  FILE *s[N];
  long closings = 0;
  CHECK(!fopencookie(make(0), "no such mode", (cookie_io_functions_t){0}) && errno == EINVAL);
  for (int i = 0; i < N; i++) s[i] = stream(i);
  collect();
  for (int i = 0; i < N; i++) {
    if (i % 2) closings += i + 1;
    CHECK(fprintf(s[i], "%d", i) > 0 && fflush(s[i]) == 0);
    CHECK(fseek(s[i], 0, SEEK_SET) == 0 && fgetc(s[i]) == 'r');
    CHECK(fclose(s[i]) == 0);
  }
  CHECK(written == 10 + 2 * (N - 10) && closed == closings);
  all_let_go();
}

static void last(int status, void *p) {
  collect();
  CHECK(status == 0 && whole(p) == 7);
  puts("ok");
}
__attribute__((noinline)) static void at_the_end(void) {
  CHECK(on_exit(last, make(7)) == 0);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "threads";
  by_exit = strcmp(what, "exits") == 0;
  if (strcmp(what, "threads") == 0 || by_exit)
    joins();
  else if (strcmp(what, "c11") == 0)
    c11();
  else if (strcmp(what, "tries") == 0)
    tries();
  else if (strcmp(what, "names") == 0)
    names();
  else if (strcmp(what, "detached") == 0)
    detached();
  else if (strcmp(what, "values") == 0)
    values();
  else if (strcmp(what, "timers") == 0)
    timed();
  else if (strcmp(what, "epoll") == 0)
    epoll();
  else if (strcmp(what, "cookie") == 0)
    cookies();
  else {
    at_the_end();
    collect();
    return 0;
  }
  puts("ok");
  return 0;
}
