/* SPDX-License-Identifier: MIT */
/*
 * profiles.c KIND FOLDER -- a program whose profiles are known beforehand
 *
 * Writes KIND's profiles into FOLDER; pprof.sh compares what pprof reads.  The
 * lines that the script names are marked.
 */
#define _GNU_SOURCE 1
#include <mallow.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../parked.h"

#define NOINLINE __attribute__((noinline))

static const char *folder;

static void check(bool ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static int create(const char *file) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, file);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0666);
  check(fd >= 0, path);
  return fd;
}

static void write_profile(const char *name, int debug, const char *file) {
  int fd = create(file);
  check(mw_pprof_write(name, fd, debug) == 0, name);
  close(fd);
}

/* ---- Heap -------------------------------------------------------------- */

typedef struct node {
  struct node *next;
  long content[7];
} node;

static node *kept;

NOINLINE static void keep(long n) {
  for (long i = 0; i < n; i++) {
    node *k = mw_new(node); /* line: keep */
    k->next = kept;
    kept = k;
  }
}

NOINLINE static void drop(long n) {
  for (long i = 0; i < n; i++) {
    char *volatile p = mw_alloc_noscan(2048); /* line: drop */
    p[0] = 1;
  }
}

static inline __attribute__((always_inline)) void *inlined(size_t n) {
  return mw_alloc_noscan(n); /* line: inlined */
}

NOINLINE static void *large(void) {
  return inlined(8 << 20);
}

/* 64 bytes a node: 64 MB kept, 64 MB dropped, 8 MB in one piece. */
static void heap(void) {
  void *piece = large();
  keep(1 << 20);
  drop(32 << 10);
  mw_gc();
  write_profile("heap", 0, "heap");
  write_profile("heap", 1, "heap.txt");
  write_profile("allocs", 0, "allocs");
  mw_keep_alive(piece);
  kept = NULL;
  mw_gc();
  write_profile("heap", 0, "freed");
}

static void exact(void) {
  mw_set_mem_profile_rate(1);
  keep(10000);
  drop(1000);
  mw_gc();
  write_profile("heap", 0, "heap");
  mw_set_mem_profile_rate(0);
  keep(10000);
  mw_gc();
  write_profile("heap", 0, "off");
}

/* ---- Goroutines -------------------------------------------------------- */

NOINLINE static void wait_here(mw_chan *c) {
  mw_chan_recv(c, NULL); /* line: wait */
}

static void waiter(void *c) {
  wait_here(c);
  mw_keep_alive(c);
}

/* A thread of the program's own: the profile has where it first called the runtime. */
NOINLINE static void attach_here(void) {
  mw_gc();
}
static void *thread(void *unused) {
  attach_here();
  return unused;
}

static void goroutine(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, thread, NULL) != 0 || pthread_join(t, NULL) != 0) exit(1);
  mw_chan *c = mw_chan_make(long, 0);
  for (int i = 0; i < 25; i++) mw_go(waiter, c);
  until_parked(25, "[chan receive");
  write_profile("goroutine", 0, "goroutine");
  write_profile("goroutine", 1, "goroutine.txt");
  write_profile("goroutine", 2, "goroutines.txt");
  write_profile("threadcreate", 0, "threadcreate");
}

/* ---- Contention -------------------------------------------------------- */

static mw_mutex mutex;
static mw_waitgroup all;

NOINLINE static void hold(void) {
  mw_mutex_lock(&mutex);
  mw_sleep(5000000);
  mw_mutex_unlock(&mutex); /* line: unlock */
  mw_keep_alive(&mutex);
}

static void holder(void *unused) {
  (void)unused;
  for (int i = 0; i < 10; i++) hold();
  mw_waitgroup_done(&all);
}

static void contention(void) {
  mw_set_block_profile_rate(1);
  mw_set_mutex_profile_fraction(1);
  mw_waitgroup_add(&all, 4);
  mw_mutex_lock(&mutex);
  for (int i = 0; i < 4; i++) mw_go(holder, NULL);
  until_parked(4, "[sync.Mutex.Lock");
  mw_mutex_unlock(&mutex);
  mw_waitgroup_wait(&all);
  write_profile("block", 0, "block");
  write_profile("mutex", 0, "mutex");
  write_profile("block", 1, "block.txt");
  write_profile("mutex", 1, "mutex.txt");
}

/* ---- CPU --------------------------------------------------------------- */

static volatile unsigned long sink;

NOINLINE static void burn(long n) {
  for (long i = 0; i < n; i++) sink += (unsigned long)i; /* line: burn */
}

NOINLINE static void burn_most(void) {
  burn(3000000);
  mw_keep_alive(NULL);
}

NOINLINE static void burn_some(void) {
  burn(1000000);
  mw_keep_alive(NULL);
}

static int compare(const void *a, const void *b) {
  burn(50);
  return *(const int *)a - *(const int *)b;
}

NOINLINE static void external(void) {
  static int v[2000];
  for (int i = 0; i < 2000; i++) v[i] = rand();
  for (int i = 0; i < 200; i++) (void)bsearch(&v[i], v, 2000, sizeof *v, compare);
}

static void spinner(void *done) {
  while (clock() < 3 * CLOCKS_PER_SEC / 2) { /* CPU time of the process */
    burn_most();
    burn_some();
    for (int i = 0; i < 20; i++) external();
  }
  mw_chan_send(done, 1);
}

static void cpu(void) {
  int fd = create("cpu");
  check(mw_pprof_start_cpu(fd) == 0, "start");
  mw_chan *done = mw_chan_make(int, 0);
  for (int i = 0; i < 2; i++) mw_go(spinner, done);
  for (int i = 0; i < 2; i++) mw_chan_recv(done, NULL);
  check(mw_pprof_stop_cpu() == 0, "stop");
  close(fd);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } kinds[] = {{"heap", heap},
               {"exact", exact},
               {"goroutine", goroutine},
               {"contention", contention},
               {"cpu", cpu}};
  if (argc != 3) return 2;
  folder = argv[2];
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(argv[1], kinds[i].name) == 0) {
      kinds[i].run();
      return 0;
    }
  return 2;
}
