/* SPDX-License-Identifier: MIT */
/*
 * tests/sched/core/fair.c -- nobody starves, nobody is woken for nothing [D1]
 *
 *     fair CASE
 *
 *   slices      a loop that never blocks gives way at a poll after its time slice
 *   lengths     each slice in CPU time of the thread that ran it, as a histogram
 *   pair        two goroutines that ready each other for ever share one slice
 *   plain_pair  the same in code without polls: the scheduler itself ends the slice
 *   global      a preempted goroutine comes back although others always have work
 *   ranges      nor do the runtime's own operations on large ranges of memory
 *   wakeups     messages between two goroutines do not wake other threads each time
 *   watch       beside a loop, whoever waits for a descriptor is watched without effort
 *   idle        10,000 sleeping and 1,000 waiting goroutines use no CPU
 *
 * All limits are on CPU time of the process or on counts, never on the clock on
 * the wall, and some times what is expected: a starved goroutine does not get
 * its turn a little late but never.
 */
#define _GNU_SOURCE 1
#include "fair.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000LL
#define CHECK(x, ...)                                                                              \
  do {                                                                                             \
    if (!(x)) {                                                                                    \
      printf("FAIL: %s: ", #x);                                                                    \
      printf(__VA_ARGS__);                                                                         \
      puts("");                                                                                    \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static _Atomic int stop;
static _Atomic long turns;

static int64_t cpu_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void burn(void *arg) {
  volatile long *n = arg;
  while (!stop) *n = *n + 1;
}

static int by_size(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

enum { BURNERS = 3 };
static volatile long burnt[BURNERS];

/* How many have run since the last call. */
static int ran(void) {
  static long seen[BURNERS];
  int k = 0;
  for (int i = 0; i < BURNERS; i++) {
    k += burnt[i] != seen[i];
    seen[i] = burnt[i];
  }
  return k;
}

/* On one processor with burners, how long is the observer away for each that ran? */
static void slices(void) {
  enum { SAMPLES = 15 };
  for (int i = 0; i < BURNERS; i++) mw_go(burn, (void *)&burnt[i]);
  int64_t away[SAMPLES], start = cpu_ns(), last = start;
  for (int got = 0; got < SAMPLES;) {
    mw_yield();
    int64_t now = cpu_ns();
    int k = ran();
    if (k != 0) away[got++] = (now - last) / k;
    last = now;
    CHECK(now - start < 20000 * MS, "%d slices in %ld ms of CPU time", got,
          (long)((now - start) / MS));
  }
  stop = 1;
  qsort(away, SAMPLES, sizeof away[0], by_size);
  /* a slice is 10 ms; sysmon looks each millisecond, if the machine lets it: on a busy one not
   * each time, so the shorter ones count */
  long us = (long)(away[SAMPLES / 4] / 1000);
  CHECK(us < 30000, "most slices are longer than %ld us", us);
  printf("ok: slices of %ld us\n", us);
}

static int64_t thread_cpu_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A loop on one processor, and somebody who waits for his turn: what the loop had had of its
 * thread when it was ended.  That is less than on the wall where others have the CPU too, and
 * more only if sysmon's thread had to wait while the loop ran: so again the shorter ones count,
 * now to the 10 ms that are promised, and sysmon's millisecond.  Where the kernel lets no thread
 * run at once that wakes up (on one CPU, at its next tick), another that looks as often tells. */
static _Atomic int in_loop, his_turn;
static pid_t loop_thread;
static int64_t loop_from;

static void ends_it(void *arg) {
  (void)arg;
  while (!stop) {
    his_turn = in_loop;
    mw_yield();
  }
}

static void lengths(void) {
  enum { SAMPLES = 60, BUCKET = 2, BUCKETS = 10 };
  int64_t had[SAMPLES], noted[SAMPLES];
  int histogram[BUCKETS] = {0};
  plain_looks();
  mw_go(ends_it, NULL);
  for (int got = 0; got < SAMPLES;) {
    loop_thread = gettid();
    loop_from = thread_cpu_ns();
    clockid_t clock;
    CHECK(pthread_getcpuclockid(pthread_self(), &clock) == 0, "clock");
    plain_clock = clock;
    plain_noted = 0;
    plain_from = loop_from;
    his_turn = 0;
    in_loop = 1;
    while (!his_turn) {
    }
    in_loop = 0;
    plain_from = 0;
    /* Back on the thread, which since has run nobody else for long. */
    if (loop_thread != gettid()) continue;
    had[got] = thread_cpu_ns() - loop_from;
    noted[got] = plain_noted ? plain_noted : had[got];
    got++;
  }
  stop = 1;
  for (int i = 0; i < SAMPLES; i++) {
    int64_t k = had[i] / (BUCKET * MS);
    histogram[k < BUCKETS ? k : BUCKETS - 1]++;
  }
  for (int k = 0; k < BUCKETS; k++)
    printf("%3d to %2d%s ms: %d\n", BUCKET * k, BUCKET * (k + 1), k == BUCKETS - 1 ? ".." : "",
           histogram[k]);
  qsort(had, SAMPLES, sizeof had[0], by_size);
  qsort(noted, SAMPLES, sizeof noted[0], by_size);
  int64_t due = noted[SAMPLES / 4] + MS;
  if (due < 12 * MS) due = 12 * MS;
  CHECK(had[SAMPLES / 4] < due, "most slices are longer than %ld us, due after %ld",
        (long)(had[SAMPLES / 4] / 1000), (long)(due / 1000));
  printf("ok: median %ld us, longest %ld us, due after %ld\n", (long)(had[SAMPLES / 2] / 1000),
         (long)(had[SAMPLES - 1] / 1000), (long)(due / 1000));
}

static int64_t wall_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static long went_to_sleep(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return r.ru_nvcsw;
}

static void reads(void *arg) {
  char c;
  if (read(*(int *)arg, &c, 1) != 1) puts("FAIL: read");
}

/* sysmon looks a thousand times a second; a keeper that trusted its own looks napped seven thousand
 * times.  On a busy machine both are fewer. */
static void watch(void) {
  int fd[2];
  CHECK(pipe(fd) == 0, "pipe");
  mw_go(reads, &fd[0]);
  for (int i = 0; i < 10; i++) mw_yield();
  int64_t from = wall_ns(), cpu = thread_cpu_ns(), ns;
  long before = went_to_sleep();
  volatile long n = 0;
  while (thread_cpu_ns() - cpu < 400 * MS)
    for (int i = 0; i < 1000; i++) n = n + 1;
  ns = wall_ns() - from;
  long rate = (long)((went_to_sleep() - before) * 1000 * MS / ns);
  CHECK(rate < 2500, "%ld sleeps a second beside a loop", rate);
  CHECK(write(fd[1], "x", 1) == 1, "write");
  printf("ok: %ld sleeps a second\n", rate);
}

static mw_chan *there, *back;

static void echo(void *arg) {
  (void)arg;
  long v;
  while (!stop && mw_chan_recv(there, &v)) mw_chan_send(back, v);
}
static void echo_back(void *arg) {
  (void)arg;
  long v;
  while (!stop && mw_chan_recv(back, &v)) mw_chan_send(there, v);
}
static void plain_there(void *arg) {
  (void)arg;
  plain_echo(there, back, &stop);
}
static void plain_back(void *arg) {
  (void)arg;
  plain_echo(back, there, &stop);
}
static void take_turns(void *arg) {
  (void)arg;
  while (!stop) {
    turns++;
    mw_yield();
  }
}

/* The pair never leaves runnext; the others are in the queue behind it. */
static void pair(void (*a)(void *), void (*b)(void *)) {
  enum { WANT = 1000 };
  there = mw_chan_make(long, 0);
  back = mw_chan_make(long, 0);
  mw_go(a, NULL);
  mw_go(b, NULL);
  mw_go(take_turns, NULL);
  mw_chan_send(there, 1L);
  while (turns < WANT) mw_yield(); /* main is one of those who wait */
  stop = 1;
  CHECK(cpu_ns() < 4000 * MS, "%d turns beside a pair took %ld ms of CPU time", WANT,
        (long)(cpu_ns() / MS));
  printf("ok: %d turns in %ld ms\n", WANT, (long)(cpu_ns() / MS));
}

static void global(void) {
  enum { WANT = 5, OTHERS = 4 };
  static volatile long n;
  mw_go(burn, (void *)&n);
  for (int i = 0; i < OTHERS; i++) mw_go(take_turns, NULL);
  int64_t start = cpu_ns();
  int came_back = 0;
  for (long seen = n; came_back < WANT; mw_yield()) {
    came_back += n != seen;
    seen = n;
    CHECK(cpu_ns() - start < 10000 * MS, "came back %d times in 10 s of CPU time", came_back);
  }
  stop = 1;
  printf("ok: %d slices\n", WANT);
}

/* While marking is on, what copies, or gives an object to a library, shades all pointers there
 * first; a large object is cleared.  All of that takes longer than a time slice. */
enum { RANGE = 256 << 20, CLEARED = 128 << 20 };
static void *volatile range, *volatile given, *volatile cleared;

static void collects(void *arg) {
  (void)arg;
  while (!stop) {
    mw_gc();
    mw_yield();
  }
}
static void copies(void) {
  memmove(range, range, RANGE); /* from itself: libc's has nothing to do */
}
static void gives(void) {
  plain_takes(given);
}
static void clears(void) {
  cleared = mw_alloc_noscan(CLEARED);
}

static void ranges(void) {
  static const struct {
    const char *name;
    void (*operation)(void);
  } kinds[] = {{"copies", copies}, {"gives", gives}, {"clears", clears}};
  enum { WANT = 3 };
  range =
      mmap(NULL, RANGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(range != MAP_FAILED, "mmap");
  given = mw_alloc(RANGE);
  mw_go(collects, NULL);
  mw_go(take_turns, NULL);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int64_t start = cpu_ns();
    int times = 0;
    for (int beside = 0; beside < WANT; times++) {
      CHECK(cpu_ns() - start < 20000 * MS, "%s: %d of %d let others run", kinds[i].name, beside,
            times);
      mw_yield();
      long before = turns;
      kinds[i].operation();
      beside += turns != before;
      if (i == 2) memset(cleared, 1, CLEARED);
    }
    printf("%s: %d of %d let others run, in %ld ms of CPU time\n", kinds[i].name, WANT, times,
           (long)((cpu_ns() - start) / MS));
  }
  stop = 1;
  puts("ok");
}

static long switches(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_nvcsw;
}

static void wakeups(void) {
  enum { ROUNDS = 1000000, MOST = ROUNDS / 100 };
  there = mw_chan_make(long, 0);
  back = mw_chan_make(long, 0);
  mw_go(echo, NULL);
  long before = switches();
  int64_t start = mw_nanotime();
  for (long i = 0, v; i < ROUNDS; i++) {
    mw_chan_send(there, i);
    mw_chan_recv(back, &v);
  }
  /* sysmon wakes up by itself each millisecond, and takes two switches for it */
  long n = switches() - before - 2 * (mw_nanotime() - start) / MS;
  CHECK(n < MOST, "%ld thread switches for %d messages", n, 2 * ROUNDS);
  printf("ok: %ld thread switches for %d messages\n", n, 2 * ROUNDS);
}

static void sleep_long(void *arg) {
  (void)arg;
  mw_sleep(3600000 * MS);
}
static void wait_long(void *arg) {
  mw_chan_recv(arg, NULL);
}
static void idle(void) {
  enum { SLEEPERS = 10000, WAITERS = 1000, IN_A_ROW = 3, MOST = 40, WINDOW_MS = 400 };
  mw_chan *never = mw_chan_make(long, 0);
  for (int i = 0; i < SLEEPERS; i++) mw_go(sleep_long, NULL);
  for (int i = 0; i < WAITERS; i++) mw_go(wait_long, never);
  int64_t share = 0; /* CPU time in a window, millionths */
  int windows = 0;   /* the first may see them go to sleep; then all are quiet */
  for (int quiet = 0; quiet < IN_A_ROW; windows++) {
    CHECK(windows < MOST, "%.3f %% of a CPU", (double)share / 1e4);
    int64_t start = mw_nanotime(), cpu = cpu_ns();
    mw_sleep(WINDOW_MS * MS);
    share = (cpu_ns() - cpu) * 1000000 / (mw_nanotime() - start);
    quiet = share < 5000 ? quiet + 1 : 0;
  }
  printf("ok: %.3f %% of a CPU in window %d\n", (double)share / 1e4, windows);
}

int main(int argc, char **argv) {
  const char *name = argc > 1 ? argv[1] : "";
  if (strcmp(name, "slices") == 0) slices();
  if (strcmp(name, "lengths") == 0) lengths();
  if (strcmp(name, "pair") == 0) pair(echo, echo_back);
  if (strcmp(name, "plain_pair") == 0) pair(plain_there, plain_back);
  if (strcmp(name, "global") == 0) global();
  if (strcmp(name, "ranges") == 0) ranges();
  if (strcmp(name, "wakeups") == 0) wakeups();
  if (strcmp(name, "idle") == 0) idle();
  if (strcmp(name, "watch") == 0) watch();
  return 0;
}
