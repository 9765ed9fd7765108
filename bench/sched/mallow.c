/* SPDX-License-Identifier: MIT */
/*
 * bench/sched/mallow.c -- what goroutines and their meetings cost, on mallow
 *
 *     sched-mallow NAME N
 *
 * Prints `NAME FIGURE UNIT`.  go.go does the same work; run.sh compares.
 *
 *   pingpong   unbuffered channel, two goroutines, there and back: ns a round trip
 *   buffered1  channel of 128, 1 producer, 1 consumer: ns a message
 *   buffered4  the same with 4 producers
 *   select4    receive by select over 4 unbuffered channels, a sender each: ns a message
 *   mutex8     8 goroutines, one mutex, a short critical section: ns a turn
 *   spawn      start a goroutine and wait until it has finished: ns each
 *   yield      8 goroutines that do nothing but yield: ns a yield
 *   timeout    receive with a timeout that never comes: ns a message
 *   sleep      N goroutines sleep 1..100 ms at once: ms until all are back
 *   tickers    N goroutines with a ticker of 1 s each, all at different times: CPU, percent
 *   sleepers   the same with sleeps of 1 s; and how late they come back, median and
 *              99th percentile: us
 *   parked     N goroutines parked in a receive: resident bytes each, page
 *              tables included, before and after collections
 */
#include "../bench.h"

#include <sys/resource.h>

#include <mallow.h>

static long n;

typedef struct shared {
  mw_chan *c[4], *back;
  mw_waitgroup wg;
  mw_mutex m;
  long count, each;
} shared;

static void report(const char *name, double figure, const char *unit) {
  printf("%s %.1f %s\n", name, figure, unit);
}
static void report_ns(const char *name, int64_t start_ns, long ops) {
  report(name, (double)(bench_now_ns() - start_ns) / (double)ops, "ns");
}

/* ---- Channels ---------------------------------------------------------- */

static void echo(void *arg) {
  shared *s = arg;
  long v;
  while (mw_chan_recv(s->c[0], &v)) mw_chan_send(s->back, v);
}
static void pingpong(void) {
  shared *s = mw_new(shared);
  s->c[0] = mw_chan_make(long, 0);
  s->back = mw_chan_make(long, 0);
  mw_go(echo, s);
  int64_t start = bench_now_ns();
  for (long i = 0; i < n; i++) {
    long v;
    mw_chan_send(s->c[0], i);
    mw_chan_recv(s->back, &v);
  }
  report_ns("pingpong", start, n);
}

static void produce(void *arg) {
  shared *s = arg;
  for (long i = 0; i < s->each; i++) mw_chan_send(s->c[0], i);
  mw_waitgroup_done(&s->wg);
}
static void buffered(const char *name, int producers) {
  shared *s = mw_new(shared);
  s->c[0] = mw_chan_make(long, 128);
  s->each = n / producers;
  mw_waitgroup_add(&s->wg, producers);
  int64_t start = bench_now_ns();
  for (int i = 0; i < producers; i++) mw_go(produce, s);
  for (long i = 0; i < s->each * producers; i++) {
    long v;
    mw_chan_recv(s->c[0], &v);
  }
  report_ns(name, start, s->each * producers);
}
static void buffered1(void) {
  buffered("buffered1", 1);
}
static void buffered4(void) {
  buffered("buffered4", 4);
}

static void send_one_kind(void *arg) {
  mw_chan *c = arg;
  for (long i = 0;; i++) mw_chan_send(c, i);
}
static void select4(void) {
  long v[4];
  mw_case cases[4];
  for (int i = 0; i < 4; i++) {
    mw_chan *c = mw_chan_make(long, 0);
    cases[i] = mw_case_recv(c, &v[i]);
    mw_go(send_one_kind, c);
  }
  int64_t start = bench_now_ns();
  for (long i = 0; i < n; i++) mw_select(cases, 4);
  report_ns("select4", start, n);
}

static void timeout(void) {
  mw_chan *c = mw_chan_make(long, 0);
  mw_go(send_one_kind, c);
  int64_t start = bench_now_ns();
  for (long i = 0; i < n; i++) {
    long v;
    mw_case cases[] = {mw_case_recv(c, &v), mw_case_recv(mw_after(3600000000000), NULL)};
    mw_select(cases, 2);
  }
  report_ns("timeout", start, n);
}

/* ---- Mutex, goroutines ------------------------------------------------- */

static void lock_in_turn(void *arg) {
  shared *s = arg;
  for (long i = 0; i < s->each; i++) {
    mw_mutex_lock(&s->m);
    s->count++;
    mw_mutex_unlock(&s->m);
  }
  mw_waitgroup_done(&s->wg);
}
static void mutex8(void) {
  shared *s = mw_new(shared);
  s->each = n / 8;
  mw_waitgroup_add(&s->wg, 8);
  int64_t start = bench_now_ns();
  for (int i = 0; i < 8; i++) mw_go(lock_in_turn, s);
  mw_waitgroup_wait(&s->wg);
  report_ns("mutex8", start, s->count);
}

static void finish(void *arg) {
  mw_waitgroup_done(&((shared *)arg)->wg);
}
static void spawn(void) {
  shared *s = mw_new(shared);
  int64_t start = bench_now_ns();
  for (long i = 0; i < n; i++) {
    mw_waitgroup_add(&s->wg, 1);
    mw_go(finish, s);
    if (i % 64 == 63) mw_waitgroup_wait(&s->wg);
  }
  mw_waitgroup_wait(&s->wg);
  report_ns("spawn", start, n);
}

static void yields(void *arg) {
  shared *s = arg;
  for (long i = 0; i < s->each; i++) mw_yield();
  mw_waitgroup_done(&s->wg);
}
static void yield(void) {
  shared *s = mw_new(shared);
  s->each = n / 8;
  mw_waitgroup_add(&s->wg, 8);
  int64_t start = bench_now_ns();
  for (int i = 0; i < 8; i++) mw_go(yields, s);
  mw_waitgroup_wait(&s->wg);
  report_ns("yield", start, s->each * 8);
}

typedef struct nap {
  shared *s;
  int64_t ns;
} nap;
static void sleeps(void *arg) {
  nap *p = arg;
  mw_sleep(p->ns);
  mw_waitgroup_done(&p->s->wg);
}
static void sleep_many(void) {
  shared *s = mw_new(shared);
  uint64_t seed = 1;
  mw_waitgroup_add(&s->wg, (int)n);
  int64_t start = bench_now_ns();
  for (long i = 0; i < n; i++) {
    nap *p = mw_new(nap);
    p->s = s;
    p->ns = 1000000 + (int64_t)(bench_random(&seed) % 99000000);
    mw_go(sleeps, p);
  }
  mw_waitgroup_wait(&s->wg);
  report("sleep", (double)(bench_now_ns() - start) / 1e6, "ms");
}

/* ---- Many timers ------------------------------------------------------- */

enum { PERIOD_NS = 1000000000, SAMPLES = 1000000 };
static _Atomic bool sampling;
static _Atomic long nsamples;
static int64_t late_ns[SAMPLES];

static void ticks(void *delay) {
  mw_sleep((int64_t)(intptr_t)delay);
  mw_ticker *t = mw_ticker_new(PERIOD_NS);
  for (;;) mw_chan_recv(t->c, NULL);
}
static void sleeps_on(void *delay) {
  mw_sleep((int64_t)(intptr_t)delay);
  for (;;) {
    int64_t since = bench_now_ns();
    mw_sleep(PERIOD_NS);
    if (!sampling) continue;
    long i = nsamples++;
    if (i < SAMPLES) late_ns[i] = bench_now_ns() - since - PERIOD_NS;
  }
}
static double cpu_s(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
         (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
static void many(const char *name, void (*fn)(void *)) {
  for (long i = 0; i < n; i++) mw_go(fn, (void *)(intptr_t)(PERIOD_NS / n * i + 1));
  mw_sleep(2 * (int64_t)PERIOD_NS);
  sampling = true;
  int64_t start = bench_now_ns();
  double before = cpu_s();
  mw_sleep(3 * (int64_t)PERIOD_NS);
  report(name, (cpu_s() - before) * 1e11 / (double)(bench_now_ns() - start), "%");
  sampling = false;
  mw_sleep(1000000); /* those who had begun to write a sample */
}
static void tickers(void) {
  many("tickers", ticks);
}
static void sleepers(void) {
  many("sleepers", sleeps_on);
  long got = nsamples < SAMPLES ? nsamples : SAMPLES;
  if (got == 0) exit(1);
  qsort(late_ns, (size_t)got, sizeof late_ns[0], bench_by_value);
  report("sleepers_late", (double)late_ns[got / 2] / 1e3, "us");
  report("sleepers_late99", (double)late_ns[got - 1 - got / 100] / 1e3, "us");
}

/* ---- Memory ------------------------------------------------------------ */

/* VmRSS + VmPTE in bytes. */
static double resident(void) {
  char line[256];
  double kb = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmPTE:", 6) == 0)
      kb += strtod(line + 6, NULL);
  if (f) fclose(f);
  return kb * 1024;
}
static void wait_for_nothing(void *arg) {
  shared *s = arg;
  mw_waitgroup_done(&s->wg);
  mw_chan_recv(s->c[0], NULL);
}
static void parked(void) {
  shared *s = mw_new(shared);
  s->c[0] = mw_chan_make(long, 0);
  double before = resident();
  mw_waitgroup_add(&s->wg, (int)n);
  for (long i = 0; i < n; i++) mw_go(wait_for_nothing, s);
  mw_waitgroup_wait(&s->wg);
  mw_sleep(20000000);
  report("parked", (resident() - before) / (double)n, "bytes");
  for (int i = 0; i < 3; i++) mw_gc();
  mw_sleep(20000000);
  report("parked_gc", (resident() - before) / (double)n, "bytes");
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*fn)(void);
  } table[] = {{"pingpong", pingpong}, {"buffered1", buffered1}, {"buffered4", buffered4},
               {"select4", select4},   {"mutex8", mutex8},       {"spawn", spawn},
               {"yield", yield},       {"timeout", timeout},     {"sleep", sleep_many},
               {"tickers", tickers},   {"sleepers", sleepers},   {"parked", parked}};
  n = bench_arg(argc, argv, 2, 100000);
  for (size_t i = 0; argc > 1 && i < sizeof table / sizeof table[0]; i++)
    if (strcmp(argv[1], table[i].name) == 0) {
      table[i].fn();
      return 0;
    }
  fputs("usage: sched-mallow NAME N\n", stderr);
  return 64;
}
