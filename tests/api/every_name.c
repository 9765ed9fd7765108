/* SPDX-License-Identifier: MIT */
/*
 * tests/api/every_name.c -- each name of mallow.h, used as the header says
 *
 * Not how well things work, which the other tests ask, but that they are there,
 * can be called with the documented types and do what their one line promises.
 * names.sh looks for names that are missing here.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sched/check.h"

/* ---- Memory ------------------------------------------------------------ */

typedef struct list {
  struct list *next;
  long n;
  int tail[];
} list;

static mw_weak weak_of_dead;
static _Atomic int cleaned, finalized, not_cleaned;

static void clean(void *arg) {
  cleaned += (int)(long)arg;
}
static void must_not(void *arg) {
  (void)arg;
  not_cleaned++;
}
static void finalize(void *obj, void *arg) {
  CHECK(((list *)obj)->n == 77);
  finalized += (int)(long)arg;
}

__attribute__((noinline)) static void make_dying(void) {
  list *a = mw_new(list), *b = mw_new(list), *c = mw_new(list);
  b->n = 77;
  mw_add_cleanup(a, clean, (void *)1L);
  mw_set_finalizer(b, finalize, (void *)1L);
  mw_cleanup stopped = mw_add_cleanup(c, must_not, NULL);
  mw_cleanup_stop(stopped);
  weak_of_dead = mw_weak_make(a);
}

/* What the calls before left on the stack. */
__attribute__((noinline)) static void wipe(void) {
  volatile unsigned frame[2048]; /* each store volatile: a memset would be optimised away */
  for (unsigned i = 0; i < 2048; i++) frame[i] = 0;
}

static void memory(void) {
  list *l = mw_new(list);
  CHECK(l && !l->next && !l->n);
  long *longs = mw_make(long, 1000);
  for (int i = 0; i < 1000; i++) CHECK(longs[i] == 0);
  list *flex = mw_new_flex(list, tail, 10);
  for (int i = 0; i < 10; i++) CHECK(flex->tail[i] == 0);
  void **any = mw_alloc(64);
  any[0] = l;
  char *text = mw_alloc_noscan(64);
  memset(text, 'x', 64);
  char *copy = mw_strdup("copy"), *made = mw_sprintf("%s %d", copy, 1);
  CHECK(strcmp(made, "copy 1") == 0);
  char *larger = mw_realloc(copy, 100);
  CHECK(strcmp(larger, "copy") == 0 && larger[99] == 0);
  mw_keep_alive(any);

  static char *foreign[2];
  char **outside = malloc(sizeof *outside);
  CHECK(outside);
  *outside = NULL;
  mw_root_add(outside, sizeof *outside);
  *outside = mw_strdup("outside");
  mw_handle h = mw_handle_new(mw_strdup("handle"));
  foreign[0] = mw_strdup("global");
  make_dying();
  while (cleaned < 1 || finalized < 1) {
    wipe();
    mw_gc();
    mw_sleep(1000000);
  }
  CHECK(cleaned == 1 && finalized == 1 && not_cleaned == 0);
  CHECK(mw_weak_get(weak_of_dead) == NULL && mw_weak_make(NULL) == NULL);
  mw_weak w = mw_weak_make(l);
  CHECK(mw_weak_get(w) == l && w == mw_weak_make(l));
  CHECK(strcmp(*outside, "outside") == 0 && strcmp(foreign[0], "global") == 0);
  CHECK(strcmp(mw_handle_get(h), "handle") == 0);
  mw_handle_free(h);
  mw_root_remove(outside);
  free(outside);
  mw_keep_alive(l);
}

/* ---- Goroutines -------------------------------------------------------- */

static mw_waitgroup done;
static _Atomic int count;

static void one(void *arg) {
  count += (int)(long)arg;
  mw_yield();
  mw_waitgroup_done(&done);
}
static void leaves(void *arg) {
  one(arg);
  mw_goexit();
}

static void goroutines(void) {
  mw_waitgroup_add(&done, 3);
  mw_go(one, (void *)1L);
  mw_go(leaves, (void *)10L);
  mw_go_stack(one, (void *)100L, 1 << 20);
  mw_waitgroup_wait(&done);
  CHECK(count == 111);
  while (mw_num_goroutine() > 1) mw_sleep(100000);
  int procs = mw_set_max_procs(0);
  CHECK(procs >= 1 && mw_set_max_procs(2) == procs && mw_set_max_procs(procs) == 2);
  mw_thread_lock();
  mw_yield();
  mw_thread_unlock();
  int64_t t = mw_nanotime();
  mw_sleep(1000000);
  CHECK(mw_nanotime() - t >= 1000000);
}

/* ---- Channels, select, time -------------------------------------------- */

static void channels(void) {
  mw_chan *c = mw_chan_make(int, 2);
  mw_chan_send(c, 1);
  CHECK(mw_chan_try_send(c, 2) && !mw_chan_try_send(c, 3));
  CHECK(mw_chan_len(c) == 2 && mw_chan_cap(c) == 2);
  int v = 0;
  CHECK(mw_chan_recv(c, &v) && v == 1);
  CHECK(mw_chan_try_recv(c, &v) == 1 && v == 2);
  CHECK(mw_chan_try_recv(c, &v) == -1);
  mw_chan *d = mw_chan_make(int, 1);
  int seven = 7;
  mw_case cases[] = {mw_case_recv(c, &v), mw_case_send(d, &seven)};
  CHECK(mw_select(cases, 2) == 1);
  CHECK(mw_try_select(cases, 2) == -1);
  mw_chan_close(c);
  CHECK(mw_try_select(cases, 2) == 0 && !cases[0].ok && v == 0);
  CHECK(!mw_chan_recv(c, &v) && mw_chan_try_recv(c, NULL) == 0);

  int64_t at;
  CHECK(mw_chan_recv(mw_after(1000), &at) && at > 0);
  mw_timer *t = mw_timer_new((int64_t)3600 * 1000000000);
  CHECK(mw_timer_stop(t) && !mw_timer_reset(t, 1000));
  CHECK(mw_chan_recv(t->c, &at));
  mw_ticker *k = mw_ticker_new(1000000);
  CHECK(mw_chan_recv(k->c, &at) && mw_chan_recv(k->c, &at));
  mw_ticker_reset(k, 500000);
  CHECK(mw_chan_recv(k->c, NULL));
  mw_ticker_stop(k);

  mw_chan *signals = mw_chan_make(int, 1);
  mw_signal_notify(signals, SIGUSR1);
  CHECK(raise(SIGUSR1) == 0 && mw_chan_recv(signals, &v) && v == SIGUSR1);
  mw_signal_stop(signals);
  mw_signal_ignore(SIGUSR1);
  CHECK(raise(SIGUSR1) == 0);
  mw_signal_reset(SIGUSR1);
}

/* ---- Synchronisation --------------------------------------------------- */

static mw_mutex mutex;
static mw_rwmutex rwmutex;
static mw_cond cond;
static mw_sem sem;
static bool ready;
static void count_once(void *n) {
  ++*(int *)n;
}

static void waiter(void *unused) {
  (void)unused;
  mw_mutex_lock(&mutex);
  while (!ready) mw_cond_wait(&cond, &mutex);
  mw_mutex_unlock(&mutex);
  mw_sem_acquire(&sem);
  mw_waitgroup_done(&done);
}

static void synchronisation(void) {
  CHECK(mw_mutex_trylock(&mutex) && !mw_mutex_trylock(&mutex));
  mw_mutex_unlock(&mutex);
  mw_rwmutex_rlock(&rwmutex);
  mw_rwmutex_rlock(&rwmutex);
  mw_rwmutex_runlock(&rwmutex);
  mw_rwmutex_runlock(&rwmutex);
  mw_rwmutex_lock(&rwmutex);
  mw_rwmutex_unlock(&rwmutex);
  static mw_once once;
  int n = 0;
  mw_once_do(&once, count_once, &n);
  mw_once_do(&once, count_once, &n);
  CHECK(n == 1);
  mw_waitgroup_add(&done, 2);
  for (int i = 0; i < 2; i++) mw_go(waiter, NULL);
  mw_yield();
  mw_mutex_lock(&mutex);
  ready = true;
  mw_cond_signal(&cond);
  mw_cond_broadcast(&cond);
  mw_mutex_unlock(&mutex);
  mw_sem_release(&sem);
  mw_sem_release(&sem);
  mw_waitgroup_wait(&done);
}

/* ---- Pool, control, statistics ----------------------------------------- */

static void *make_object(void) {
  return mw_strdup("made");
}

static void control(void) {
  static mw_pool pool = {.make = make_object};
  char *p = mw_pool_get(&pool);
  CHECK(strcmp(p, "made") == 0);
  mw_pool_put(&pool, p);
  mw_pool_put(&pool, NULL);

  int percent = mw_set_gc_percent(50);
  CHECK(percent == 100 && mw_set_gc_percent(-1) == 50 && mw_set_gc_percent(percent) == -1);
  CHECK(mw_set_memory_limit(-1) == INT64_MAX);
  CHECK(mw_set_memory_limit((int64_t)1 << 40) == INT64_MAX);
  CHECK(mw_set_memory_limit(INT64_MAX) == (int64_t)1 << 40);
  int threads = mw_set_max_threads(5000);
  CHECK(threads == 10000 && mw_set_max_threads(threads) == 5000 &&
        mw_set_max_threads(0) == threads);
  size_t stack = mw_set_max_stack(1 << 20);
  CHECK(mw_set_max_stack(stack) == 1 << 20);
  mw_mem_stats before, after;
  mw_read_mem_stats(&before);
  mw_gc();
  mw_free_os_memory();
  mw_read_mem_stats(&after);
  CHECK(after.num_gc >= before.num_gc + 2 && after.num_forced_gc >= before.num_forced_gc + 2);
  CHECK(after.alloc == after.heap_alloc && after.total_alloc >= before.total_alloc);
  CHECK(after.sys > 0 && after.lookups == 0 && after.mallocs >= after.frees);
  CHECK(after.heap_sys == after.heap_idle + after.heap_inuse);
  CHECK(after.heap_released <= after.heap_idle && after.heap_objects > 0);
  CHECK(after.stack_inuse > 0 && after.stack_sys >= after.stack_inuse);
  CHECK(after.mspan_sys >= after.mspan_inuse && after.mcache_sys >= after.mcache_inuse);
  CHECK(after.sys == after.heap_sys + after.stack_sys + after.mspan_sys + after.mcache_sys +
                         after.buck_hash_sys + after.gc_sys + after.other_sys);
  CHECK(after.next_gc >= 4 << 20 && after.last_gc > 0);
  CHECK(after.pause_total_ns >= after.max_pause_ns);
  CHECK(after.pause_ns[(after.num_gc + 255) % 256] > 0);
  CHECK(after.pause_end[(after.num_gc + 255) % 256] == after.last_gc);
  CHECK(after.gc_cpu_fraction >= 0 && after.gc_cpu_fraction <= 1);
  CHECK(after.enable_gc && !after.debug_gc && after.by_size[1].size > 0);
  CHECK(after.stack_folded <= after.stack_sys + after.sys);
}

/* ---- Profiles ---------------------------------------------------------- */

static size_t written(int fd) {
  off_t n = lseek(fd, 0, SEEK_END);
  CHECK(n >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
  return (size_t)n;
}

static void profiles(void) {
  char path[] = "/tmp/mallow-api-XXXXXX";
  int fd = mkstemp(path);
  CHECK(fd >= 0 && unlink(path) == 0);
  mw_print_goroutines(fd);
  CHECK(written(fd) > 20);
  CHECK(mw_heap_dump(fd) == 0 && written(fd) > 1000);
  int rate = mw_set_mem_profile_rate(1);
  CHECK(rate == 512 * 1024 && mw_set_mem_profile_rate(rate) == 1);
  CHECK(mw_set_block_profile_rate(1) == 0 && mw_set_block_profile_rate(0) == 1);
  CHECK(mw_set_mutex_profile_fraction(-1) == 0 && mw_set_mutex_profile_fraction(1) == 0);
  CHECK(mw_set_mutex_profile_fraction(0) == 1);
  static const char *const names[] = {"heap",         "allocs", "goroutine",
                                      "threadcreate", "block",  "mutex"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (int debug = 0; debug <= 1; debug++)
      CHECK(mw_pprof_write(names[i], fd, debug) == 0 && written(fd) > 10);
  CHECK(mw_pprof_write("goroutine", fd, 2) == 0 && written(fd) > 20);
  errno = 0;
  CHECK(mw_pprof_write("nothing", fd, 0) == -1 && errno == ENOENT);
  CHECK(mw_pprof_stop_cpu() == -1 && errno == EINVAL);
  CHECK(mw_pprof_start_cpu(fd) == 0);
  CHECK(mw_pprof_start_cpu(fd) == -1 && errno == EBUSY);
  CHECK(mw_pprof_stop_cpu() == 0 && written(fd) > 10);
  int port = mw_debug_serve("127.0.0.1:0");
  CHECK(port > 0 || errno == ENOSYS);
  if (port > 0) {
    char taken[32];
    snprintf(taken, sizeof taken, ":%d", port);
    CHECK(mw_debug_serve(taken) == -1 && errno == EADDRINUSE);
    CHECK(mw_debug_serve("nowhere") == -1 && errno == EINVAL);
  }
  close(fd);
}

int main(void) {
  CHECK(strlen(MW_VERSION) > 0);
  memory();
  control();
  goroutines();
  channels();
  synchronisation();
  profiles();
  puts("ok");
}
