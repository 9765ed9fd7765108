/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/chan_threads.c -- ordinary threads at the channels
 *
 *   chan_threads [ROUNDS]
 *
 * Threads made by pthread_create use channels, select, mutexes, condition
 * variables, semaphores and sleep beside goroutines: there, a wait blocks the
 * thread.  They come and go, so that each is attached and detached.
 */
#include <pthread.h>

#include "check.h"

enum { THREADS = 4, ECHOES = 3, WAVES = 5 };

typedef struct item {
  long id, check;
} item;

typedef struct world {
  mw_chan *in, *out;
  mw_mutex m;
  mw_cond c;
  mw_sem s;
  mw_waitgroup wg;
  long rounds, count, turn;
} world;
static world *w;

static void echo(void *arg) {
  (void)arg;
  item *it;
  while (mw_chan_recv(w->in, &it)) {
    CHECK(it->check == ~it->id);
    mw_chan_send(w->out, it);
  }
  mw_waitgroup_done(&w->wg);
}

static void *thread(void *arg) {
  long me = (long)(intptr_t)arg;
  for (long i = 0; i < w->rounds; i++) {
    item *it = mw_new(item), *got = NULL;
    it->id = me * 1000000 + i;
    it->check = ~it->id;
    if (i % 3 == 0) {
      mw_chan_send(w->in, it);
    } else {
      mw_case cases[] = {mw_case_send(w->in, &it), mw_case_recv(mw_after(3600000000000), NULL)};
      CHECK_EQ(mw_select(cases, 2), 0);
    }
    CHECK(mw_chan_recv(w->out, &got));
    CHECK(got->check == ~got->id);
    mw_mutex_lock(&w->m);
    w->count++;
    mw_mutex_unlock(&w->m);
    mw_sem_acquire(&w->s);
    if (i % 64 == 0) mw_sleep(1000);
    mw_sem_release(&w->s);
  }
  /* in turn, by number */
  mw_mutex_lock(&w->m);
  while (w->turn % THREADS != me) mw_cond_wait(&w->c, &w->m);
  w->turn++;
  mw_cond_broadcast(&w->c);
  mw_mutex_unlock(&w->m);
  return NULL;
}

static void collect(void *arg) {
  mw_chan *stop = arg;
  while (mw_chan_try_recv(stop, NULL) < 0) {
    mw_gc();
    mw_sleep(1000000);
  }
}

int main(int argc, char **argv) {
  check_start();
  w = mw_new(world);
  w->rounds = arg_or(argc, argv, 1, 500);
  w->in = mw_chan_make(item *, 0);
  w->out = mw_chan_make(item *, 2);
  mw_sem_release(&w->s);
  mw_sem_release(&w->s);
  mw_waitgroup_add(&w->wg, ECHOES);
  for (int i = 0; i < ECHOES; i++) mw_go(echo, NULL);
  mw_chan *stop = mw_chan_make(int, 0);
  mw_go(collect, stop);
  for (int wave = 0; wave < WAVES; wave++) {
    pthread_t t[THREADS];
    for (long i = 0; i < THREADS; i++)
      CHECK(pthread_create(&t[i], NULL, thread, (void *)(intptr_t)i) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
  }
  mw_chan_close(w->in);
  mw_chan_close(stop);
  mw_waitgroup_wait(&w->wg);
  CHECK_EQ(w->count, WAVES * THREADS * w->rounds);
  puts("ok");
  return 0;
}
