/* SPDX-License-Identifier: MIT */
/*
 * tests/pprof/last_calls.c -- functions whose last statement is a call of the runtime are named
 *
 * Such a call could be a jump, without a frame of the function.
 */
#define _GNU_SOURCE 1
#include <mallow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../parked.h"

#define NOINLINE __attribute__((noinline)) static

static mw_mutex mutex;
static mw_waitgroup group;
static mw_chan *chan;
static int in_pipe[2];
static char byte;
static char *large;

NOINLINE void receives_last(void) {
  mw_chan_recv(chan, NULL);
}
NOINLINE void locks_last(void) {
  mw_mutex_lock(&mutex);
}
NOINLINE void waits_last(void) {
  mw_waitgroup_wait(&group);
}
NOINLINE void sleeps_last(void) {
  mw_sleep(INT64_C(3600000000000));
}
NOINLINE long reads_last(void) {
  return read(in_pipe[0], &byte, 1);
}
NOINLINE void *allocates_last(void) {
  return mw_alloc_noscan(8 << 20);
}

/* Not last itself. */
static void runs(void *fn) {
  ((void (*)(void))fn)();
  mw_keep_alive(fn);
}

static const struct {
  const char *name, *state;
  void *fn;
} waits[] = {{"receives_last", "[chan receive", receives_last},
             {"locks_last", "[sync.Mutex.Lock", locks_last},
             {"waits_last", "[sync.WaitGroup.Wait", waits_last},
             {"sleeps_last", "[sleep", sleeps_last},
             {"reads_last", "[IO wait", reads_last}};

static char *profile(const char *name, int debug) {
  int fd = memfd_create(name, 0);
  if (fd < 0 || mw_pprof_write(name, fd, debug) != 0) exit(1);
  off_t size = lseek(fd, 0, SEEK_END);
  char *text = calloc((size_t)size + 1, 1);
  if (!text || pread(fd, text, (size_t)size, 0) != size) exit(1);
  close(fd);
  return text;
}

static int missing(const char *name, const char *text) {
  if (strstr(text, name)) return 0;
  printf("%s is not in:\n%s", name, text);
  return 1;
}

int main(void) {
  int n = 0;
  if (pipe(in_pipe) != 0) return 1;
  chan = mw_chan_make(int, 0);
  mw_mutex_lock(&mutex);
  mw_waitgroup_add(&group, 1);
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
    mw_go(runs, waits[i].fn);
    until_parked(1, waits[i].state);
  }
  char *goroutines = profile("goroutine", 1);
  for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) n += missing(waits[i].name, goroutines);
  large = allocates_last();
  n += missing("allocates_last", profile("allocs", 1));
  if (n == 0) puts("ok");
  return n != 0;
}
