/* SPDX-License-Identifier: MIT */
/* tests/stress/mixture/sync.c -- channels, select, locks, timers, processors */
#include "mixture.h"

#include <pthread.h>

#define US INT64_C(1000)
#define MS INT64_C(1000000)

/* ---- Channels: a line of workers ---------------------------------------- */

typedef struct parcel {
  uint64_t id;
  node *nodes;
} parcel;

typedef struct line {
  mw_chan *in, *out;
  unsigned n;
  mw_waitgroup workers, all;
} line;

static void producer(void *arg) {
  line *l = arg;
  for (unsigned i = 0; i < l->n; i++) {
    parcel p = {i, make_nodes(i, 3)};
    mw_chan_send(l->in, p);
  }
  mw_chan_close(l->in);
}
static void worker(void *arg) {
  line *l = arg;
  parcel p;
  while (mw_chan_recv(l->in, &p)) {
    check_nodes(p.nodes, p.id, 3);
    parcel q = {p.id, make_nodes(p.id * 3, 2)};
    mw_chan_send(l->out, q);
  }
  CHECK(p.id == 0 && p.nodes == NULL);
  mw_waitgroup_done(&l->workers);
}
static void closer(void *arg) {
  line *l = arg;
  mw_waitgroup_wait(&l->workers);
  mw_chan_close(l->out);
}

static void channels(rng *r) {
  line *l = mw_new(line);
  l->n = 20 + rng_below(r, 200);
  l->in = mw_chan_make(parcel, rng_below(r, 3) * 4);
  l->out = mw_chan_make(parcel, rng_below(r, 3) * 4);
  unsigned k = 1 + rng_below(r, 4);
  mw_waitgroup_add(&l->workers, (int)k);
  spawn(&l->all, producer, l);
  for (unsigned i = 0; i < k; i++) spawn(&l->all, worker, l);
  spawn(&l->all, closer, l);
  uint64_t sum = 0, n = 0;
  parcel p;
  while (mw_chan_recv(l->out, &p)) {
    check_nodes(p.nodes, p.id * 3, 2);
    sum += p.id;
    n++;
  }
  CHECK_EQ(n, l->n);
  CHECK_EQ(sum, (uint64_t)l->n * (l->n - 1) / 2);
  mw_waitgroup_wait(&l->all);
}

/* ---- Select --------------------------------------------------------------- */

typedef struct stream {
  mw_chan *ch;
  unsigned n, pause;
} stream;

static void streams(void *arg) {
  stream *s = arg;
  for (unsigned i = 1; i <= s->n; i++) {
    if (i % s->pause == 0) mw_sleep(20 * US);
    node *nodes = make_nodes(i, 1);
    mw_chan_send(s->ch, nodes);
  }
  mw_chan_close(s->ch);
}

static void selects(rng *r) {
  enum { N = 4 };
  stream *s = mw_make(stream, N);
  mw_waitgroup *all = mw_new(mw_waitgroup);
  mw_case cases[N + 1];
  node *got[N] = {0};
  uint64_t seen[N] = {0};
  for (int i = 0; i < N; i++) {
    s[i] = (stream){mw_chan_make(node *, rng_below(r, 3)), 10 + rng_below(r, 50),
                    5 + rng_below(r, 50)};
    cases[i] = mw_case_recv(s[i].ch, &got[i]);
    spawn(all, streams, &s[i]);
  }
  mw_ticker *tick = mw_ticker_new(100 * US);
  cases[N] = mw_case_recv(tick->c, (int64_t *)NULL);
  for (int open = N; open;) {
    int c = rng_below(r, 4) ? mw_select(cases, N + 1) : mw_try_select(cases, N + 1);
    if (c < 0) mw_yield();
    if (c < 0 || c == N) continue;
    if (!cases[c].ok) {
      CHECK(got[c] == NULL);
      CHECK_EQ(seen[c], s[c].n);
      cases[c].chan = NULL;
      open--;
    } else {
      check_nodes(got[c], ++seen[c], 1);
    }
  }
  mw_ticker_stop(tick);
  mw_waitgroup_wait(all);
}

/* Two that either give or take, whichever comes: what one gives the other has. */
typedef struct meeting {
  mw_chan *a, *b;
  _Atomic uint64_t given, taken;
  unsigned n;
} meeting;
static void meets(void *arg) {
  meeting *m = arg;
  for (unsigned i = 1; i <= m->n; i++) {
    uint64_t give = i, take = 0;
    mw_case c[] = {mw_case_send(m->a, &give), mw_case_recv(m->a, &take), mw_case_send(m->b, &give),
                   mw_case_recv(m->b, &take)};
    if (mw_select(c, 4) % 2 == 0)
      m->given += give;
    else
      m->taken += take;
  }
}
static void exchanges(rng *r) {
  meeting *m = mw_new(meeting);
  mw_waitgroup *all = mw_new(mw_waitgroup);
  m->a = mw_chan_make(uint64_t, 0);
  m->b = mw_chan_make(uint64_t, 0);
  m->n = 10 + rng_below(r, 100);
  for (int i = 0; i < 2; i++) spawn(all, meets, m);
  mw_waitgroup_wait(all);
  CHECK_EQ(m->given, m->taken);
}

/* ---- Locks ---------------------------------------------------------------- */

typedef struct locked {
  mw_mutex mutex;
  mw_rwmutex rw;
  mw_cond cond;
  mw_sem sem;
  pthread_mutex_t libc;
  uint64_t a, b, c, d, in, turn, libc_a, libc_b;
  _Atomic int inside;
  unsigned n;
  mw_chan *numbers;
} locked;

static void locks(void *arg) {
  locked *l = arg;
  uint64_t me;
  CHECK(mw_chan_recv(l->numbers, &me));
  for (unsigned i = 0; i < l->n; i++) {
    mw_mutex_lock(&l->mutex);
    CHECK_EQ(l->a, l->b);
    l->a++;
    if (i % 8 == 0) mw_yield();
    l->b++;
    mw_mutex_unlock(&l->mutex);
    if (i % 4 == me % 4) {
      mw_rwmutex_lock(&l->rw);
      l->c++;
      if (i % 8 == 0) mw_sleep(10 * US);
      l->d++;
      mw_rwmutex_unlock(&l->rw);
    } else {
      mw_rwmutex_rlock(&l->rw);
      CHECK_EQ(l->c, l->d);
      mw_rwmutex_runlock(&l->rw);
    }
    mw_sem_acquire(&l->sem);
    CHECK(++l->inside <= 2);
    mw_yield();
    l->inside--;
    mw_sem_release(&l->sem);
    if (i % 4 == 0) {
      CHECK_EQ(pthread_mutex_lock(&l->libc), 0);
      uint64_t was = l->libc_a++;
      mw_yield();
      CHECK_EQ(was, l->libc_b++);
      CHECK_EQ(pthread_mutex_unlock(&l->libc), 0);
    }
  }
  mw_mutex_lock(&l->mutex); /* they leave in order */
  while (l->turn != me) mw_cond_wait(&l->cond, &l->mutex);
  l->turn++;
  mw_cond_broadcast(&l->cond);
  mw_mutex_unlock(&l->mutex);
}

static void locking(rng *r) {
  locked *l = mw_new(locked);
  mw_waitgroup *all = mw_new(mw_waitgroup);
  unsigned k = 2 + rng_below(r, 5);
  pthread_mutexattr_t attr;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  CHECK_EQ(pthread_mutex_init(&l->libc, &attr), 0);
  l->n = 8 + rng_below(r, 60);
  l->numbers = mw_chan_make(uint64_t, k);
  for (uint64_t i = 0; i < k; i++) mw_chan_send(l->numbers, i);
  for (int i = 0; i < 2; i++) mw_sem_release(&l->sem);
  for (unsigned i = 0; i < k; i++) spawn(all, locks, l);
  mw_waitgroup_wait(all);
  CHECK_EQ(l->a, (uint64_t)k * l->n);
  CHECK_EQ(l->c, l->d);
  CHECK_EQ(l->turn, k);
  CHECK_EQ(pthread_mutex_destroy(&l->libc), 0);
}

/* ---- Timers ---------------------------------------------------------------- */

static void timers(rng *r) {
  enum { N = 20 };
  mw_timer *t[N];
  int64_t begin[N], due[N];
  for (int i = 0; i < N; i++) {
    begin[i] = mw_nanotime();
    due[i] = (int64_t)rng_below(r, 3000) * US;
    t[i] = mw_timer_new(due[i]);
  }
  for (int i = 0; i < N; i += 3) {
    if (rng_below(r, 2)) {
      begin[i] = mw_nanotime();
      mw_timer_reset(t[i], due[i] = (int64_t)rng_below(r, 2000) * US);
    } else {
      mw_timer_stop(t[i]);
      CHECK_EQ(mw_chan_len(t[i]->c), 0);
      t[i] = NULL;
    }
  }
  for (int i = 0; i < N; i++) {
    int64_t fired;
    if (!t[i]) continue;
    CHECK(mw_chan_recv(t[i]->c, &fired));
    CHECK(fired >= begin[i] + due[i]);
    CHECK(!mw_timer_stop(t[i]));
  }
  int64_t before = mw_nanotime(), fired;
  CHECK(mw_chan_recv(mw_after(200 * US), &fired));
  CHECK(fired - before >= 200 * US && mw_nanotime() >= fired);
  mw_ticker *k = mw_ticker_new(100 * US);
  for (int i = 0; i < 5; i++) CHECK(mw_chan_recv(k->c, NULL));
  mw_ticker_reset(k, 50 * US);
  CHECK(mw_chan_recv(k->c, NULL));
  mw_ticker_stop(k);
  before = mw_nanotime();
  mw_sleep(300 * US);
  CHECK(mw_nanotime() - before >= 300 * US);
}

/* ---- Processors ------------------------------------------------------------ */

static void processors(rng *r) {
  int n = 1 + (int)rng_below(r, 8);
  mw_set_max_procs(n);
  CHECK_EQ(mw_set_max_procs(0), n);
  mw_sleep((int64_t)rng_below(r, 40) * MS);
}

const part sync_parts[] = {{"channels", channels, 2},
                           {"select", selects, 2},
                           {"exchange", exchanges, 2},
                           {"locks", locking, 2},
                           {"timers", timers, 3},
                           {"processors", processors, 1},
                           {NULL, NULL, 0}};
