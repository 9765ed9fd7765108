/* SPDX-License-Identifier: MIT */
/*
 * tests/gc/test_memlimit_threads.c -- threads that wait for room below the memory limit [ML1] [ML2]
 *
 * Over a heap on the fake operating system and a scheduler of one thread for each processor, made
 * of the hooks below: a thread stops where it asks to (worker_poll, yield, a wait), as a goroutine
 * does. All of gc/ is the real one: refusals, sweeping and marking on the way to room, cycles begun
 * for the limit, waits for each other, the CPU limiter, the scavenger's thread. One thread changes
 * the limit. Under ThreadSanitizer (gc.memlimit_threads-thread) it is the proof that what they read
 * of each other is handed over properly; without it, that everybody gets through and nobody gets
 * memory that is in use.
 */
#include "heap/heap_test.h"

#include <mallow.h>

#include <pthread.h>
#include <semaphore.h>

#include "base/knobs.h"
#include "gc/barrier.h"
#include "gc/cycle.h"
#include "gc/gc.h"
#include "gc/mark.h"
#include "gc/pacer.h"
#include "gc/roots.h"
#include "heap/class.h"

enum { NTHREADS = 4, KEEP = 48, STEPS = 2000 };

struct worker {
  struct mwi_gcp gcp;
  struct mwi_mcache *mc;
  struct mwi_tcb *tcb;
  struct rng r;
  sem_t wake;
  size_t bytes[KEEP];
  uintptr_t stack_hi, sp; /* sp: while it does not run; 0 before and after */
};
static struct worker workers[NTHREADS];
/* Roots.  Stored to by their thread, read by markers at the same time. */
static _Atomic(unsigned char *) kept[NTHREADS][KEEP];
static _Thread_local struct worker *me;

/* ---- The scheduler -------------------------------------------------------- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int running; /* under gate */
static bool stopped;
static _Atomic bool stop_wanted;

/* A new object is on its thread's stack until it is stored.  Callee-saved registers too. */
#define AT_REST()                                                                                  \
  do {                                                                                             \
    __builtin_unwind_init();                                                                       \
    me->sp = (uintptr_t)__builtin_frame_address(0) - 128;                                          \
  } while (0)

static void enter(void) {
  pthread_mutex_lock(&gate);
  while (stopped) pthread_cond_wait(&changed, &gate);
  running++;
  pthread_mutex_unlock(&gate);
}
static MWI_NOINLINE void leave(void) {
  AT_REST();
  pthread_mutex_lock(&gate);
  running--;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&gate);
}
static MWI_NOINLINE void stop_world(void) {
  AT_REST();
  pthread_mutex_lock(&gate);
  running--;
  pthread_cond_broadcast(&changed);
  while (stopped) pthread_cond_wait(&changed, &gate);
  stopped = true;
  mwi_store_relaxed(&stop_wanted, true);
  while (running) pthread_cond_wait(&changed, &gate);
  pthread_mutex_unlock(&gate);
}
static void start_world(void) {
  pthread_mutex_lock(&gate);
  stopped = false;
  mwi_store_relaxed(&stop_wanted, false);
  running++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&gate);
}
static void stop_here(void) {
  if (!mwi_load_relaxed(&stop_wanted)) return;
  leave();
  enter();
}
static void yield(void) {
  leave();
  sched_yield();
  enter();
}
static bool worker_poll(void) {
  stop_here();
  return false;
}
static void *current(void) {
  return me;
}
/* As the scheduler's loop does: a processor without anything else to do marks, or sweeps. */
static void park_unlock(struct mwi_lock *l, bool assist) {
  (void)assist;
  mwi_unlock(l);
  for (;;) {
    leave();
    if (sem_trywait(&me->wake) == 0) break;
    sched_yield();
    enter();
    mwi_rt_enter();
    mwi_gc_run_idle(0);
    mwi_rt_leave();
  }
  enter();
}
static void ready(void *g) {
  sem_post(&((struct worker *)g)->wake);
}
static void set_wb(bool on) {
  for (int i = 0; i < NTHREADS; i++) workers[i].tcb->wb = on;
}
static void each_p(void (*fn)(struct mwi_gcp *, struct mwi_mcache *)) {
  for (int i = 0; i < NTHREADS; i++) fn(&workers[i].gcp, workers[i].mc);
}
static void flush_all(struct mwi_gcp *unused) {
  (void)unused;
  for (int i = 0; i < NTHREADS; i++) {
    mwi_wb_flush(&workers[i].gcp);
    mwi_work_publish(&workers[i].gcp);
  }
}
static void scan_stacks(struct mwi_gcp *into) {
  for (int i = 0; i < NTHREADS; i++)
    if (workers[i].sp) mwi_scan_conservative(into, workers[i].sp, workers[i].stack_hi, true);
}
static void run_job(uint32_t i, struct mwi_gcp *into) {
  mwi_scan_conservative(into, (uintptr_t)kept[i], (uintptr_t)(kept[i] + KEEP), false);
}
static uint32_t all(void) {
  return NTHREADS;
}
static uint32_t none(void) {
  return 0;
}
static bool no(void) {
  return false;
}
static void nothing(void) {}
static void with_w(struct mwi_gcp *unused) {
  (void)unused;
}
static void no_ragged(void (*fn)(struct mwi_gcp *)) {
  (void)fn;
}

/* ---- The program ---------------------------------------------------------- */

static void check(const struct worker *w, size_t k) {
  const unsigned char *p = mwi_load_relaxed(&kept[w - workers][k]);
  if (!p) return;
  for (size_t i = 0; i < w->bytes[k]; i += 509)
    if (p[i] != (unsigned char)(k + 1)) abort();
}

/* As compiled code does, with the slot's old and new value shaded. */
static void keep(struct worker *w, size_t k, unsigned char *p, size_t bytes) {
  _Atomic(unsigned char *) *slot = &kept[w - workers][k];
  mwi_rt_enter();
  mwi_shade(mwi_load_relaxed(slot));
  mwi_shade(p);
  mwi_store_relaxed(slot, p);
  w->bytes[k] = bytes;
  mwi_rt_leave();
}

static void step(struct worker *w) {
  size_t k = rng_below(&w->r, KEEP), bytes = 2000 + rng_below(&w->r, 120000);
  check(w, k);
  unsigned char *p = mw_alloc_noscan(bytes);
  memset(p, (int)(k + 1), bytes);
  keep(w, k, p, bytes);
  stop_here();
}

static pthread_barrier_t all_here;

static void *run(void *arg) {
  struct worker *w = me = arg;
  bool first = w == workers;
  if (!first) mwi_test_thread_init();
  w->tcb = mwi_tcb();
  w->tcb->rt = 0;
  w->tcb->mcache = w->mc;
  w->tcb->gcp = &w->gcp;
  w->tcb->p = (struct mwi_p *)w;
  w->stack_hi = (uintptr_t)__builtin_frame_address(0);
  pthread_barrier_wait(&all_here);
  if (first) mwi_scavenger_start();
  enter();
  static const int64_t limits[] = {1, 8 << 20, INT64_MAX, 24 << 20}; /* 12 MB are live */
  for (size_t i = 0; i < STEPS; i++) {
    if (first && i % 60 == 0) mw_set_memory_limit(limits[i / 60 % 4]);
    step(w);
  }
  for (size_t k = 0; k < KEEP; k++) check(w, k);
  leave();
  pthread_barrier_wait(&all_here); /* others' stops look at this thread's block */
  return NULL;
}

static void all_get_through(void **state) {
  (void)state;
  struct rng r = rng_start();
  pthread_t t[NTHREADS];
  pthread_barrier_init(&all_here, NULL, NTHREADS);
  for (int i = 0; i < NTHREADS; i++) {
    workers[i].mc = mwi_mcache_new();
    workers[i].r.s = rng_next(&r) | 1;
    sem_init(&workers[i].wake, 0, 0);
  }
  for (int i = 1; i < NTHREADS; i++)
    assert_int_equal(pthread_create(&t[i], NULL, run, &workers[i]), 0);
  run(&workers[0]);
  for (int i = 1; i < NTHREADS; i++) pthread_join(t[i], NULL);
  mwi_tcb()->rt = 1;
  assert_true(mwi_gc_stats.ncycles > 10);
}

int main(void) {
  heap_start(4 * MWI_GB);
  mwi_gc_hooks = (struct mwi_gc_hooks){
      .need_p = nothing,
      .stop_world = stop_world,
      .start_world = start_world,
      .set_wb_stw = set_wb,
      .each_p_stw = each_p,
      .prepare_roots_stw = nothing,
      .scan_thread_roots_stw = scan_stacks,
      .flush_all_stw = flush_all,
      .rescan_external_stw = with_w,
      .njobs = all,
      .run_job = run_job,
      .each_p_ragged = no_ragged,
      .nprocs = all,
      .idle_procs = none,
      .wake = nothing,
      .worker_poll = worker_poll,
      .other_work = no,
      .yield = yield,
      .current = current,
      .park_unlock = park_unlock,
      .ready = ready,
  };
  mwi_knobs.gogc = 100;
  mwi_knobs.clobberfree = 1;
  mwi_knobs.gomemlimit = INT64_MAX;
  mwi_gc_init();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_get_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
