/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/hostile.c -- synchronisation, timers and stacks used as an adversary would
 *
 *     hostile CASE
 *
 * Each case keeps accounts that have to come out even; what is lost shows there, or as a deadlock.
 *
 * Cases    ledger     timers armed, stopped and read by many: each arming is read once, or
 *                     refused by a stop or reset that says so
 *          pending    timers by the hundred thousand, in no order, half of them stopped
 *          groups     wait groups used again at once, with many waiters, by threads too
 *          turns      condition variables: first come, first served; a signal wakes one
 *          readers    read-write locks: nobody between writers, readers together
 *          once       a function that takes long, yields, and is called from threads
 *          stacks     stacks of all sizes, used to the end, shrunk and used again
 *          retake     all processors with threads in external code, again and again
 *          signals    channels told of signals come and go while signals rain
 *          jumps      a handler jumps out of computing
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"

#define MS INT64_C(1000000)

static mw_waitgroup done;
static void go(void (*fn)(void *), void *arg) {
  mw_waitgroup_add(&done, 1);
  mw_go(fn, arg);
}

/* ---- ledger ---------------------------------------------------------------- */

enum { TIMERS = 20, SETTERS = 4, STEPS = 2000 };
static mw_timer *timers[TIMERS];
static _Atomic long armed[TIMERS], refused[TIMERS], got[TIMERS];
static mw_chan *over;

static void sets(void *arg) {
  rng r = rng_for((uintptr_t)arg);
  for (int i = 0; i < STEPS; i++) {
    int k = (int)rng_below(&r, TIMERS);
    if (rng_below(&r, 3) == 0) {
      refused[k] += mw_timer_stop(timers[k]);
    } else {
      armed[k]++; /* before it can be read */
      refused[k] += mw_timer_reset(timers[k], (int64_t)rng_below(&r, 200000));
    }
    if (rng_below(&r, 8) == 0) mw_yield();
    if (rng_below(&r, 64) == 0) mw_sleep(100000);
  }
  mw_waitgroup_done(&done);
}
static void reads(void *arg) {
  rng r = rng_for((uintptr_t)arg + 1000);
  for (;;) {
    int64_t at;
    int k = (int)rng_below(&r, TIMERS), j = (k + 1) % TIMERS;
    mw_case cases[] = {mw_case_recv(timers[k]->c, &at), mw_case_recv(timers[j]->c, &at),
                       mw_case_recv(mw_after(300000), NULL), mw_case_recv(over, NULL)};
    switch (mw_select(cases, 4)) {
    case 0:
      got[k]++;
      break;
    case 1:
      got[j]++;
      break;
    case 2:
      break;
    default:
      mw_waitgroup_done(&done);
      return;
    }
  }
}
static void ledger(void) {
  over = mw_chan_make(char, 0);
  for (int i = 0; i < TIMERS; i++) {
    timers[i] = mw_timer_new((int64_t)i * 1000);
    armed[i] = 1;
  }
  for (uintptr_t i = 0; i < 4; i++) mw_go(reads, (void *)i);
  for (uintptr_t i = 0; i < SETTERS; i++) go(sets, (void *)(i + 10));
  mw_waitgroup_wait(&done);
  mw_waitgroup_add(&done, 4); /* for the readers */
  mw_chan_close(over);
  mw_waitgroup_wait(&done);
  for (int i = 0; i < TIMERS; i++) {
    refused[i] += mw_timer_stop(timers[i]);
    CHECK_EQ(got[i] + refused[i], armed[i]);
    CHECK(!mw_timer_stop(timers[i]));
  }
}

/* ---- pending ----------------------------------------------------------------- */

static _Atomic long fired;
static void waits_for(void *arg) {
  mw_timer *t = arg;
  int64_t at;
  mw_chan_recv(t->c, &at);
  CHECK(at <= mw_nanotime());
  fired++;
  mw_waitgroup_done(&done);
}
static void pending(void) {
  enum { N = 100000, WAITED = 5000 };
  mw_timer **all = mw_make(mw_timer *, N);
  rng r = rng_for(1);
  for (int i = 0; i < N; i++) all[i] = mw_timer_new(3600000 * MS + (int64_t)rng_below(&r, 1000000));
  for (int i = 0; i < WAITED; i++) go(waits_for, all[i]); /* these are in heaps */
  mw_sleep(5 * MS);
  for (int i = 0; i < N; i += 2) CHECK(mw_timer_stop(all[i])); /* also under their waiters */
  for (int i = 0; i < N; i += 2) CHECK(!mw_timer_stop(all[i]));
  mw_gc();
  CHECK_EQ(fired, 0);
  for (int i = N - 1; i >= 0; i--)
    CHECK_EQ(mw_timer_reset(all[i], (int64_t)rng_below(&r, 2000000)), i % 2);
  mw_waitgroup_wait(&done);
  CHECK_EQ(fired, WAITED);
  for (int i = WAITED; i < N; i++) mw_chan_recv(all[i]->c, NULL);
  for (int i = 0; i < N; i++) CHECK(!mw_timer_stop(all[i]));
}

/* ---- groups -------------------------------------------------------------------- */

typedef struct group {
  mw_waitgroup wg, left;
  long plain; /* synchronised by the group alone */
} group;
static void adds(void *arg) {
  group *g = arg;
  __atomic_fetch_add(&g->plain, 1, __ATOMIC_RELAXED);
  mw_waitgroup_done(&g->wg);
}
static void *adds_on_thread(void *arg) {
  adds(arg);
  return NULL;
}
static long expected;
static void waits_too(void *arg) {
  group *g = arg;
  mw_waitgroup_wait(&g->wg);
  CHECK_EQ(g->plain, expected);
  mw_waitgroup_done(&g->left);
}
static void groups(void) {
  group *g = mw_new(group);
  for (int round = 0; round < 300; round++) {
    int n = 1 + round % 17;
    bool thread = round % 10 == 0;
    pthread_t t;
    expected += n + thread;
    mw_waitgroup_add(&g->wg, n + thread);
    mw_waitgroup_add(&g->left, 5);
    for (int i = 0; i < 5; i++) mw_go(waits_too, g);
    for (int i = 0; i < n; i++) mw_go(adds, g);
    if (thread) CHECK_EQ(pthread_create(&t, NULL, adds_on_thread, g), 0);
    mw_waitgroup_wait(&g->wg);
    CHECK_EQ(g->plain, expected);
    mw_waitgroup_wait(&g->left); /* Go's rule: used again when all waits have returned */
    if (thread) pthread_join(t, NULL);
  }
}

/* ---- turns ----------------------------------------------------------------------- */

static mw_mutex mutex;
static mw_cond cond;
static long drawn, next_turn, woken;
static void queues(void *unused) {
  (void)unused;
  mw_mutex_lock(&mutex);
  long mine = drawn++;
  mw_cond_wait(&cond, &mutex);
  /* The mutex is not fair, but a signal wakes who came first: one at a time they are in order. */
  CHECK_EQ(next_turn, mine);
  next_turn++;
  woken++;
  mw_mutex_unlock(&mutex);
  mw_waitgroup_done(&done);
}
static void turns(void) {
  enum { N = 300 };
  mw_cond_signal(&cond); /* nobody waits: lost */
  mw_cond_broadcast(&cond);
  for (int round = 0; round < 3; round++) {
    drawn = next_turn = woken = 0;
    for (int i = 0; i < N; i++) go(queues, NULL);
    for (;;) {
      mw_mutex_lock(&mutex);
      long n = drawn;
      mw_mutex_unlock(&mutex);
      if (n == N) break;
      mw_yield();
    }
    for (int i = 0; i < N; i++) {
      mw_mutex_lock(&mutex);
      CHECK_EQ(woken, i);
      mw_cond_signal(&cond);
      mw_mutex_unlock(&mutex);
      for (long n = i; n == i;) {
        mw_yield();
        mw_mutex_lock(&mutex);
        n = woken;
        mw_mutex_unlock(&mutex);
        CHECK(n <= i + 1);
      }
    }
    mw_waitgroup_wait(&done);
  }
}

/* ---- readers --------------------------------------------------------------------- */

static mw_rwmutex rw;
static long guarded[2];
static _Atomic long inside, together;
static void rw_user(void *arg) {
  rng r = rng_for((uintptr_t)arg);
  for (int i = 0; i < 500; i++) {
    if (rng_below(&r, 5) == 0) {
      mw_rwmutex_lock(&rw);
      CHECK_EQ(inside, 0);
      guarded[0]++;
      if (rng_below(&r, 4) == 0) mw_yield();
      guarded[1]++;
      mw_rwmutex_unlock(&rw);
    } else {
      mw_rwmutex_rlock(&rw);
      if (++inside > 1) together = 1;
      CHECK_EQ(guarded[0], guarded[1]);
      if (rng_below(&r, 4) == 0) mw_yield();
      CHECK_EQ(guarded[0], guarded[1]);
      inside--;
      mw_rwmutex_runlock(&rw);
    }
  }
  mw_waitgroup_done(&done);
}
static void *rw_thread(void *arg) {
  mw_waitgroup_add(&done, 1);
  rw_user(arg);
  return NULL;
}
static void readers(void) {
  pthread_t t[2];
  for (int i = 0; i < 2; i++) CHECK_EQ(pthread_create(&t[i], NULL, rw_thread, (void *)(long)i), 0);
  for (uintptr_t i = 2; i < 12; i++) go(rw_user, (void *)i);
  for (int i = 0; i < 2; i++) CHECK_EQ(pthread_join(t[i], NULL), 0);
  mw_waitgroup_wait(&done);
  CHECK(together);
}

/* ---- once ------------------------------------------------------------------------- */

static mw_once *once;
static long ran, result;
static void slowly(void *arg) {
  CHECK(arg == once);
  for (int i = 0; i < 20; i++) mw_yield();
  ran++;
  mw_sleep(10000);
  result = ran * 7;
}
static void calls(void *unused) {
  (void)unused;
  mw_once_do(once, slowly, once);
  CHECK_EQ(result, 7);
  mw_waitgroup_done(&done);
}
static void *calls_on_thread(void *unused) {
  (void)unused;
  mw_once_do(once, slowly, once);
  CHECK_EQ(result, 7);
  return NULL;
}
static void once_only(void) {
  for (int round = 0; round < 50; round++) {
    pthread_t t;
    once = mw_new(mw_once);
    ran = result = 0;
    CHECK_EQ(pthread_create(&t, NULL, calls_on_thread, NULL), 0);
    for (int i = 0; i < 30; i++) go(calls, NULL);
    mw_waitgroup_wait(&done);
    CHECK_EQ(pthread_join(t, NULL), 0);
    CHECK_EQ(ran, 1);
  }
}

/* ---- stacks ------------------------------------------------------------------------ */

typedef struct deep {
  long bytes;
  int rounds;
  mw_chan *ch;
} deep;
static volatile int zero;
/* Down to `left` bytes, and up again; each frame has something to lose. */
__attribute__((noinline)) static long dive(long left, long seed) {
  volatile long frame[64];
  int i = zero;
  for (int k = 0; k < 64; k++) frame[i + k] = seed + k;
  if (left > 0 && dive(left - 700, seed + 1) != seed + 1) exit(3);
  for (int k = 0; k < 64; k++)
    if (frame[i + k] != seed + k) exit(4);
  return seed;
}
static void dives(void *arg) {
  deep *d = arg;
  for (int i = 0; i < d->rounds; i++) {
    CHECK_EQ(dive(d->bytes - 9000, (long)(uintptr_t)d), (long)(uintptr_t)d);
    if (i % 2)
      mw_chan_recv(d->ch, NULL); /* parked: shrunk by collections, folded */
    else
      mw_yield();
  }
  mw_waitgroup_done(&done);
}
static void stacks(void) {
  static const long sizes[] = {1,      4096,   32768,  98304,   98305,   131072,  196608,
                               196609, 393216, 786432, 1572864, 1572865, 2097152, 8388608};
  enum { SIZES = sizeof sizes / sizeof *sizes, EACH = 4, ROUNDS = 4 };
  mw_chan *ch = mw_chan_make(char, 0);
  for (int k = 0; k < SIZES * EACH; k++) {
    deep *d = mw_new(deep);
    *d = (deep){sizes[k % SIZES], ROUNDS, ch};
    mw_waitgroup_add(&done, 1);
    mw_go_stack(dives, d, (size_t)d->bytes);
  }
  for (int i = 0; i < SIZES * EACH * ROUNDS / 2; i++) {
    if (i % 16 == 0) {
      mw_gc();
      mw_gc();
    }
    mw_chan_send(ch, (char)1);
  }
  mw_waitgroup_wait(&done);
}

/* ---- retake --------------------------------------------------------------------------- */

static _Atomic bool enough;
static int compares(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}
static void in_library(void *arg) {
  rng r = rng_for((uintptr_t)arg);
  int *v = malloc(20000 * sizeof *v);
  while (!enough) {
    for (int i = 0; i < 20000; i++) v[i] = (int)rng_below(&r, 1000000);
    qsort(v, 20000, sizeof *v, compares);
    usleep(rng_below(&r, 200));
    for (int i = 1; i < 20000; i++) CHECK(v[i - 1] <= v[i]);
  }
  free(v);
  mw_waitgroup_done(&done);
}
static mw_chan *ping, *pong;
static void answers(void *unused) {
  (void)unused;
  long n;
  while (mw_chan_recv(ping, &n)) mw_chan_send(pong, n + 1);
  mw_waitgroup_done(&done);
}
static void retake(void) {
  ping = mw_chan_make(long, 0);
  pong = mw_chan_make(long, 0);
  int procs = mw_set_max_procs(0);
  for (uintptr_t i = 0; i < (uintptr_t)procs + 2; i++) go(in_library, (void *)i);
  go(answers, NULL);
  for (long i = 0; i < 100; i++) {
    long back;
    mw_chan_send(ping, i);
    mw_chan_recv(pong, &back);
    CHECK_EQ(back, i + 1);
    if (i % 10 == 0) mw_set_max_procs(1 + (int)(i / 10) % (procs + 1));
    if (i % 7 == 0) mw_gc();
  }
  enough = true;
  mw_chan_close(ping);
  mw_waitgroup_wait(&done);
}

/* ---- signals ------------------------------------------------------------------------------ */

static void listens(void *arg) {
  rng r = rng_for((uintptr_t)arg);
  for (int i = 0; i < 40; i++) {
    mw_chan *ch = mw_chan_make(int, 1 + rng_below(&r, 3));
    mw_signal_notify(ch, SIGUSR1);
    if (i % 2) mw_signal_notify(ch, SIGUSR2);
    for (int k = 0; k < 3; k++) {
      int sig = 0;
      mw_chan_recv(ch, &sig);
      CHECK(sig == SIGUSR1 || (i % 2 && sig == SIGUSR2));
    }
    mw_signal_stop(ch);
    size_t left = mw_chan_len(ch);
    mw_yield();
    CHECK_EQ(mw_chan_len(ch), left); /* nothing after stop */
  }
  mw_waitgroup_done(&done);
}
static void rains(void *unused) {
  (void)unused;
  while (!enough) {
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    mw_sleep(100000);
  }
}
static void signals(void) {
  mw_chan *always = mw_chan_make(int, 1); /* or the default action would end us */
  mw_signal_notify(always, SIGUSR1);
  mw_signal_notify(always, SIGUSR2);
  mw_go(rains, NULL);
  for (uintptr_t i = 0; i < 6; i++) go(listens, (void *)i);
  mw_waitgroup_wait(&done);
  enough = true;
}

/* ---- jumps -------------------------------------------------------------------------------- */

static sigjmp_buf out;
static volatile sig_atomic_t may_jump, jumps;
static void jumps_out(int sig) {
  (void)sig;
  if (!may_jump) return;
  may_jump = 0;
  jumps++;
  siglongjmp(out, 1);
}
static long sum(long n) {
  long s = 0;
  for (volatile long i = 0; i < n; i = i + 1) s += i;
  return s;
}
static void jump(void) {
  struct sigaction sa = {.sa_handler = jumps_out, .sa_flags = SA_ONSTACK | SA_RESTART};
  struct itimerval every = {{0, 1000}, {0, 1000}}, off = {0};
  volatile int rounds = 0;
  CHECK_EQ(sigaction(SIGALRM, &sa, NULL), 0);
  CHECK_EQ(setitimer(ITIMER_REAL, &every, NULL), 0);
  while (jumps < 100) {
    if (sigsetjmp(out, 1) == 0) {
      may_jump = 1;
      for (;;) sum(1000);
    }
    rounds++;
    CHECK_EQ(sum(10), 45);
    char *p = mw_make(char, 100); /* the allocator is as it was */
    p[99] = 1;
    if (rounds % 10 == 0) mw_gc();
  }
  CHECK_EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
  CHECK_EQ(rounds, 100);
  group *g = mw_new(group);
  mw_waitgroup_add(&g->wg, 10);
  for (int i = 0; i < 10; i++) mw_go(adds, g); /* goroutines run afterwards */
  mw_waitgroup_wait(&g->wg);
  CHECK_EQ(g->plain, 10);
}

int main(int argc, char **argv) {
  static const struct check_case cases[] = {
      {"ledger", ledger},   {"pending", pending}, {"groups", groups}, {"turns", turns},
      {"readers", readers}, {"once", once_only},  {"stacks", stacks}, {"retake", retake},
      {"signals", signals}, {"jumps", jump}};
  check_start();
  return CHECK_CASE(cases, argc, argv);
}
