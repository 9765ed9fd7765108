/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/sync_test.c -- mutexes, wait groups, once, condition variables, semaphores
 *
 *   sync_test [ROUNDS]
 *
 * Exclusion is checked on plain, unsynchronised variables; lost wake-ups show
 * as a deadlock, which the runtime reports.
 */
#include "check.h"

enum { WORKERS = 8 };
static long rounds;

typedef struct shared {
  mw_mutex m;
  mw_rwmutex rw;
  mw_cond c;
  mw_sem s;
  mw_waitgroup wg;
  mw_once once;
  long plain, copy; /* equal whenever the lock is free */
  _Atomic int inside;
  mw_chan *meet;
  _Atomic long n;
  long queue, produced, consumed;
} shared;

static shared *start(void (*fn)(void *), int workers) {
  shared *s = mw_new(shared);
  mw_waitgroup_add(&s->wg, workers);
  for (int i = 0; i < workers; i++) mw_go(fn, s);
  return s;
}

static void bump(shared *s, rng *g) {
  CHECK_EQ(s->plain, s->copy);
  s->plain++;
  if (rng_below(g, 64) == 0) mw_yield();
  s->copy++;
}

static void mutex_worker(void *arg) {
  shared *s = arg;
  rng g = rng_for((unsigned long long)++s->n);
  for (long i = 0; i < rounds; i++) {
    if (rng_below(&g, 8) == 0) {
      while (!mw_mutex_trylock(&s->m)) mw_yield();
    } else {
      mw_mutex_lock(&s->m);
    }
    bump(s, &g);
    mw_mutex_unlock(&s->m);
  }
  mw_waitgroup_done(&s->wg);
}

static void mutex_excludes(void) {
  shared *s = start(mutex_worker, WORKERS);
  mw_waitgroup_wait(&s->wg);
  CHECK_EQ(s->plain, WORKERS * rounds);
  CHECK(mw_mutex_trylock(&s->m));
  CHECK(!mw_mutex_trylock(&s->m));
  mw_mutex_unlock(&s->m);
}

/* One goroutine holds the mutex nearly always; another must get it all the
 * same (starving mode).  The hog ends only when the other has. */
static void hog(void *arg) {
  shared *s = arg;
  while (s->n == 0) {
    mw_mutex_lock(&s->m);
    mw_sleep(100000);
    mw_mutex_unlock(&s->m);
  }
  mw_waitgroup_done(&s->wg);
}
static void mutex_starves_nobody(void) {
  shared *s = start(hog, 1);
  for (int i = 0; i < 10; i++) {
    mw_sleep(100000);
    mw_mutex_lock(&s->m);
    mw_mutex_unlock(&s->m);
  }
  s->n = 1;
  mw_waitgroup_wait(&s->wg);
}

static void rw_worker(void *arg) {
  shared *s = arg;
  rng g = rng_for((unsigned long long)++s->n);
  for (long i = 0; i < rounds; i++) {
    if (rng_below(&g, 5) == 0) {
      mw_rwmutex_lock(&s->rw);
      CHECK_EQ(s->inside, 0);
      bump(s, &g);
      mw_rwmutex_unlock(&s->rw);
    } else {
      mw_rwmutex_rlock(&s->rw);
      s->inside++;
      CHECK_EQ(s->plain, s->copy);
      if (rng_below(&g, 16) == 0) mw_yield();
      s->inside--;
      mw_rwmutex_runlock(&s->rw);
    }
  }
  mw_waitgroup_done(&s->wg);
}

static void rwmutex_excludes(void) {
  shared *s = start(rw_worker, WORKERS);
  mw_waitgroup_wait(&s->wg);
  CHECK_EQ(s->plain, s->copy);
}

static void second_reader(void *arg) {
  shared *s = arg;
  mw_rwmutex_rlock(&s->rw);
  mw_chan_send(s->meet, 1);
  mw_rwmutex_runlock(&s->rw);
}
/* Two readers meet inside. */
static void readers_share(void) {
  shared *s = mw_new(shared);
  s->meet = mw_chan_make(int, 0);
  mw_rwmutex_rlock(&s->rw);
  mw_go(second_reader, s);
  CHECK(mw_chan_recv(s->meet, NULL));
  mw_rwmutex_runlock(&s->rw);
}

static void late_reader(void *arg) {
  shared *s = arg;
  mw_rwmutex_rlock(&s->rw);
  s->n++;
  mw_rwmutex_runlock(&s->rw);
  mw_waitgroup_done(&s->wg);
}
static void writer(void *arg) {
  shared *s = arg;
  mw_rwmutex_lock(&s->rw);
  CHECK_EQ(s->n, 0); /* it came before the readers */
  s->plain = 1;
  mw_rwmutex_unlock(&s->rw);
  mw_waitgroup_done(&s->wg);
}

/* A waiting writer keeps new readers out. */
static void writer_goes_first(void) {
  shared *s = mw_new(shared);
  mw_rwmutex_rlock(&s->rw);
  mw_waitgroup_add(&s->wg, 4);
  mw_go(writer, s);
  while (s->rw.reader_count >= 0) mw_yield();
  for (int i = 0; i < 3; i++) mw_go(late_reader, s);
  for (int i = 0; i < 50; i++) mw_yield();
  CHECK_EQ(s->n, 0);
  mw_rwmutex_runlock(&s->rw);
  mw_waitgroup_wait(&s->wg);
  CHECK(s->plain == 1 && s->n == 3);
}

static void count_once(void *arg) {
  shared *s = arg;
  s->n++;
  for (int i = 0; i < 10; i++) mw_yield();
  s->plain = 42;
}
static void once_worker(void *arg) {
  shared *s = arg;
  mw_once_do(&s->once, count_once, s);
  CHECK_EQ(s->plain, 42); /* nobody returns before it is done */
  mw_waitgroup_done(&s->wg);
}
static void once_is_once(void) {
  for (int i = 0; i < 50; i++) {
    shared *s = start(once_worker, WORKERS);
    mw_waitgroup_wait(&s->wg);
    CHECK_EQ(s->n, 1);
  }
}

/* A bounded queue of numbers; every item is waited for on the condition. */
enum { ROOM = 3 };
static void producer(void *arg) {
  shared *s = arg;
  for (long i = 0; i < rounds; i++) {
    mw_mutex_lock(&s->m);
    while (s->queue == ROOM) mw_cond_wait(&s->c, &s->m);
    s->queue++;
    s->produced++;
    mw_cond_broadcast(&s->c);
    mw_mutex_unlock(&s->m);
  }
  mw_waitgroup_done(&s->wg);
}
static void consumer(void *arg) {
  shared *s = arg;
  for (long i = 0; i < rounds; i++) {
    mw_mutex_lock(&s->m);
    while (s->queue == 0) mw_cond_wait(&s->c, &s->m);
    s->queue--;
    s->consumed++;
    mw_cond_broadcast(&s->c);
    mw_mutex_unlock(&s->m);
  }
  mw_waitgroup_done(&s->wg);
}
static void condition_broadcast(void) {
  shared *s = mw_new(shared);
  mw_waitgroup_add(&s->wg, 6);
  for (int i = 0; i < 3; i++) {
    mw_go(producer, s);
    mw_go(consumer, s);
  }
  mw_waitgroup_wait(&s->wg);
  CHECK(s->queue == 0 && s->produced == 3 * rounds && s->consumed == 3 * rounds);
}

static void cond_sleeper(void *arg) {
  shared *s = arg;
  mw_mutex_lock(&s->m);
  s->queue++;
  mw_cond_wait(&s->c, &s->m);
  s->consumed++;
  mw_mutex_unlock(&s->m);
  mw_waitgroup_done(&s->wg);
}
/* n signals wake exactly n of those who wait. */
static void signal_wakes_one(void) {
  shared *s = start(cond_sleeper, WORKERS);
  for (bool all = false; !all;) {
    mw_yield();
    mw_mutex_lock(&s->m);
    all = s->queue == WORKERS;
    mw_mutex_unlock(&s->m);
  }
  for (long i = 1; i <= WORKERS; i++) {
    mw_cond_signal(&s->c);
    for (long woken = 0; woken < i;) {
      mw_yield();
      mw_mutex_lock(&s->m);
      woken = s->consumed;
      mw_mutex_unlock(&s->m);
      CHECK(woken <= i);
    }
  }
  mw_waitgroup_wait(&s->wg);
  mw_cond_signal(&s->c); /* nobody waits: nothing happens */
  mw_cond_broadcast(&s->c);
}

static void sem_worker(void *arg) {
  shared *s = arg;
  for (long i = 0; i < rounds; i++) {
    mw_sem_acquire(&s->s);
    int in = ++s->inside;
    CHECK(in <= 3);
    if (i % 32 == 0) mw_yield();
    s->inside--;
    mw_sem_release(&s->s);
  }
  mw_waitgroup_done(&s->wg);
}
static void semaphore_limits(void) {
  shared *s = mw_new(shared);
  for (int i = 0; i < 3; i++) mw_sem_release(&s->s);
  mw_waitgroup_add(&s->wg, WORKERS);
  for (int i = 0; i < WORKERS; i++) mw_go(sem_worker, s);
  mw_waitgroup_wait(&s->wg);
  CHECK_EQ(s->s.count, 3);
}

/* Many words in the table at once: every waiter gets its own wake-up. */
enum { WORDS = 2000 };
typedef struct words {
  mw_sem s[WORDS];
  mw_waitgroup wg;
  _Atomic int next, through;
} words;
static void word_waiter(void *arg) {
  words *w = arg;
  int i = w->next++ % WORDS;
  mw_sem_acquire(&w->s[i]);
  w->through++;
  mw_waitgroup_done(&w->wg);
}
static void many_words(void) {
  words *w = mw_new(words);
  mw_waitgroup_add(&w->wg, 2 * WORDS);
  for (int i = 0; i < 2 * WORDS; i++) mw_go(word_waiter, w);
  while (w->next < 2 * WORDS) mw_yield();
  for (int i = 0; i < 20; i++) mw_yield();
  CHECK_EQ(w->through, 0);
  rng g = rng_for(3);
  int order[WORDS];
  for (int i = 0; i < WORDS; i++) order[i] = i;
  for (int round = 0; round < 2; round++)
    for (int i = WORDS; i-- > 0;) {
      int j = (int)rng_below(&g, (unsigned)i + 1), x = order[j];
      order[j] = order[i];
      order[i] = x;
      mw_sem_release(&w->s[x]);
    }
  mw_waitgroup_wait(&w->wg);
  CHECK_EQ(w->through, 2 * WORDS);
}

static void wg_child(void *arg) {
  mw_waitgroup_done(arg);
}
static void waitgroup_again_and_again(void) {
  mw_waitgroup wg = {0}; /* on a stack */
  for (int i = 0; i < 2000; i++) {
    mw_waitgroup_add(&wg, 3);
    for (int k = 0; k < 3; k++) mw_go(wg_child, &wg);
    mw_waitgroup_wait(&wg);
  }
}

int main(int argc, char **argv) {
  check_start();
  rounds = arg_or(argc, argv, 1, 3000);
  mutex_excludes();
  mutex_starves_nobody();
  rwmutex_excludes();
  readers_share();
  writer_goes_first();
  once_is_once();
  condition_broadcast();
  signal_wakes_one();
  semaphore_limits();
  many_words();
  waitgroup_again_and_again();
  puts("ok");
  return 0;
}
